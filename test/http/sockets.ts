/** Bytes as they are, on connections of their own: what no client would send. */
import { connect, type Socket } from 'node:net'

/** A connection that collects what comes back. */
export interface Raw {
  readonly socket: Socket
  /** What has come so far. */
  text(): string
  /** Resolves with everything that came when the server has closed it. */
  readonly closed: Promise<string>
}

export function open(root: string): Raw {
  const { hostname, port } = new URL(root)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  // What is reset has been closed, too.
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  return { socket, text: () => text, closed }
}

/** Sends everything, and answers all that comes back until the server closes the connection. */
export function sendRaw(root: string, bytes: string | Uint8Array): Promise<string> {
  const { socket, closed } = open(root)
  socket.write(bytes)
  return closed
}
