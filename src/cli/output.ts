/** Standard output: gathered into large writes, never faster than the reader takes them, quiet when he leaves. */
import { Buffer } from 'node:buffer'
import { PipeClosed } from './failure.js'
import type { Io } from './io.js'

export interface Output {
  /** Takes text or bytes; await it, so that a slow reader slows the command. Throws `PipeClosed` when he is gone. */
  write(chunk: string | Uint8Array): Promise<void>
  line(text: string | Uint8Array): Promise<void>
  flush(): Promise<void>
  readonly isTerminal: boolean
  readonly isClosed: boolean
}

const highWater = 64 * 1024

export function makeOutput(io: Io): Output {
  const { stdout } = io
  let chunks: Buffer[] = []
  let size = 0
  let due = false
  let closed = false
  let failure: Error | undefined
  let wake: (() => void) | undefined

  const stop = (): void => {
    closed = true
    wake?.()
  }
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') failure = error
    stop()
  })
  stdout.on('close', stop)
  stdout.on('drain', () => wake?.())

  const check = (): void => {
    if (failure !== undefined) throw failure
    if (closed) throw new PipeClosed()
  }

  function push(): boolean {
    if (size === 0) return true
    const whole = Buffer.concat(chunks, size)
    chunks = []
    size = 0
    return stdout.write(whole)
  }

  async function flush(): Promise<void> {
    check()
    if (!push())
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    check()
  }

  async function write(chunk: string | Uint8Array): Promise<void> {
    check()
    const bytes =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    chunks.push(bytes)
    size += bytes.length
    if (size >= highWater) return flush()
    if (due) return
    // What is there is shown when the command next waits for something.
    due = true
    setImmediate(() => {
      due = false
      if (!closed) push()
    })
  }

  return {
    write,
    async line(text) {
      await write(text)
      await write('\n')
    },
    flush,
    isTerminal: stdout.isTTY === true,
    get isClosed() {
      return closed
    },
  }
}
