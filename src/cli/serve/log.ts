/** Where the log of the server goes: one line of JSON each on stderr; at a terminal as a person reads it. */
import { colorsFor, type Io } from '../io.js'
import { safe } from '../text.js'

/** What pino writes to. */
export interface LogStream {
  write(line: string): void
}

interface Line {
  readonly time: string
  readonly level: string
  readonly msg: string
  readonly method?: string
  readonly route?: string
  readonly status?: number
  readonly ms?: number
  readonly failure?: string
}

/** What is said of a line anyway, or means nothing to a person at a terminal. */
const left = new Set(['time', 'level', 'msg', 'pid', 'hostname', 'requestId', 'method', 'route', 'status', 'ms'])

export function logStream(io: Io): LogStream {
  const { stderr } = io
  if (stderr.isTTY !== true) return { write: (line) => void stderr.write(line) }
  const colors = colorsFor(io, stderr)
  const paint = { info: colors.dim, warn: colors.yellow, error: colors.red, fatal: colors.red }
  return {
    write: (text) => {
      const line = JSON.parse(text) as Line
      const { time, level, msg, method, route = '(none)', status, ms } = line
      const what = method === undefined ? msg : `${method} ${route} ${status} ${ms?.toFixed(1)} ms`
      const more = Object.entries(line).flatMap(([name, value]) =>
        left.has(name) ? [] : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
      )
      const shown = paint[level as keyof typeof paint] ?? colors.dim
      stderr.write(shown(`${time.slice(11, 23)} ${safe([what, ...more].join(' '))}\n`))
    },
  }
}
