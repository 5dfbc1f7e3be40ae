/** HTTP as bytes on a socket, for what no client would send; and what comes back, however it ends. */
import { connect, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface WireAnswer {
  readonly status: number
  /** Names in lower case; the last of several values. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Heard {
  readonly answers: ReadonlyArray<WireAnswer>
  /** What came as it came, before it was taken for answers. */
  readonly bytes: Buffer
  readonly isClosed: boolean
  /** Nothing came for too long. */
  readonly isStuck: boolean
}

export interface Line {
  /** Resolves when the bytes have gone out, or nobody takes them any more. */
  write(chunk: string | Uint8Array): Promise<void>
  /** Closes this side only. */
  end(): void
  /**
   * Waits for the answers to requests of these methods, in order; or, without them or `untilClosed`, for all until the server closes. Which
   * answers have a body is known by the methods.
   */
  hear(methods?: ReadonlyArray<string>, untilClosed?: boolean): Promise<Heard>
  /** Without a farewell, so that no port is kept busy. */
  destroy(): void
}

/** A connection that collects what comes back. */
export interface Raw {
  readonly socket: Socket
  /** What has come and was not taken away. */
  readonly chunks: Buffer[]
  text(): string
  /** Resolves with everything that came when the server has closed it. */
  readonly closed: Promise<string>
}

export function open(root: string): Raw {
  const { hostname, port } = new URL(root)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true })
  const chunks: Buffer[] = []
  const text = (): string => Buffer.concat(chunks).toString()
  socket.on('data', (chunk) => chunks.push(chunk))
  // A server that refuses what is still being sent resets the connection; what it said before counts.
  socket.on('error', () => undefined)
  return { socket, chunks, text, closed: new Promise((resolve) => socket.once('close', () => resolve(text()))) }
}

/** Sends everything, and answers all that comes back until the server closes the connection. */
export function sendRaw(root: string, bytes: string | Uint8Array): Promise<string> {
  const { socket, closed } = open(root)
  socket.write(bytes)
  return closed
}

/** How long a server may be silent, in milliseconds. */
const patienceMs = 30_000

export function openLine(root: string, patience = patienceMs): Line {
  const { socket, chunks } = open(root)
  let notice = (): void => undefined
  let isClosed = false
  let isStuck = false
  socket.setTimeout(patience, () => {
    isStuck = true
    notice()
  })
  socket.on('data', () => notice())
  socket.on('close', () => {
    isClosed = true
    notice()
  })
  return {
    write: (chunk) =>
      new Promise((resolve) => {
        if (isClosed) return resolve()
        socket.once('close', resolve)
        socket.write(chunk, () => {
          socket.off('close', resolve)
          resolve()
        })
      }),
    end: () => void socket.end(),
    hear: (methods = [], untilClosed = methods.length === 0) =>
      new Promise((resolve) => {
        notice = () => {
          const isOver = isClosed || isStuck
          if (!isOver && untilClosed) return
          const bytes = Buffer.concat(chunks)
          const answers = answersIn(bytes, methods)
          if (!isOver && answers.length < methods.length) return
          chunks.length = 0
          notice = () => undefined
          resolve({ answers, bytes, isClosed, isStuck })
        }
        notice()
      }),
    destroy: () => void socket.resetAndDestroy(),
  }
}

/** Sends each chunk when the one before has gone out, closes this side, and hears until the server closes, too. */
export async function send(root: string, ...pieces: ReadonlyArray<string | Uint8Array>): Promise<Heard> {
  const line = openLine(root)
  for (const piece of pieces) await line.write(piece)
  line.end()
  const heard = await line.hear()
  line.destroy()
  return heard
}

/** The whole answers at the beginning of the bytes. */
function answersIn(bytes: Buffer, methods: ReadonlyArray<string>): WireAnswer[] {
  const answers: WireAnswer[] = []
  for (let from = 0; ; ) {
    const end = bytes.indexOf('\r\n\r\n', from)
    if (end < 0) return answers
    const [first = '', ...lines] = bytes.subarray(from, end).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(first)?.[1])
    const headers = Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf(':')
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
      }),
    )
    const hasBody = methods[answers.length] !== 'HEAD' && status !== 204 && status !== 304 && !(status < 200)
    const body = hasBody ? bodyAt(bytes, end + 4, headers) : { content: Buffer.of(), end: end + 4 }
    if (body === undefined) return answers
    const content = headers['content-encoding'] === 'gzip' ? gunzipSync(body.content) : body.content
    if (!(status < 200)) answers.push({ status, headers, body: content.toString() })
    from = body.end
  }
}

type Body = { readonly content: Buffer; readonly end: number } | undefined

/** `undefined`: not all of it is there. */
function bodyAt(bytes: Buffer, from: number, headers: Readonly<Record<string, string>>): Body {
  if (headers['transfer-encoding'] === 'chunked') return chunksAt(bytes, from)
  const length = headers['content-length'] === undefined ? bytes.length - from : Number(headers['content-length'])
  return from + length > bytes.length ? undefined : { content: bytes.subarray(from, from + length), end: from + length }
}

function chunksAt(bytes: Buffer, start: number): Body {
  const parts: Buffer[] = []
  for (let from = start; ; ) {
    const line = bytes.indexOf('\r\n', from)
    const length = Number.parseInt(bytes.subarray(from, Math.max(line, from)).toString('latin1'), 16)
    const end = line + 2 + length
    if (line < 0 || !(end + 2 <= bytes.length)) return undefined
    parts.push(bytes.subarray(line + 2, end))
    from = end + 2
    if (length === 0) return { content: Buffer.concat(parts), end: from }
  }
}
