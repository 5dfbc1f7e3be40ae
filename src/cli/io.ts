/** What the program has of its surroundings. Tests bring their own. */
import type { Readable, Writable } from 'node:stream'
import { createColors } from 'picocolors'

export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & Terminal
  readonly stderr: Writable & Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the user wants the program to stop. */
  readonly signal: AbortSignal
}

export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
}

export type Colors = ReturnType<typeof createColors>

/** Colours for a stream: on a terminal, unless NO_COLOR is set. */
export function colorsFor(io: Io, stream: Terminal): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env
  const wanted = stream.isTTY === true && TERM !== 'dumb'
  return createColors(!NO_COLOR && (wanted || Boolean(FORCE_COLOR)))
}
