/** What the user hears of a failure, on standard error: one sentence and what to do, or one line of JSON. */
import { type AnnalsError, isAnnalsError } from '../index.js'
import { exitCodeOf, exitCodes } from './exit.js'
import { CliFailure } from './failure.js'
import { colorsFor, type Io } from './io.js'
import { defaultStore, defaultTenant } from './settings.js'
import { safe, shellWord } from './text.js'

export interface ReportOptions {
  readonly json: boolean
  /** The command line, to name the same store in a command that mends things. */
  readonly argv: ReadonlyArray<string>
}

/** Says what failed and answers the exit code. */
export function reportError(io: Io, error: unknown, options: ReportOptions): number {
  if (isAnnalsError(error)) {
    say(io, options.json ? JSON.stringify(error) : sentence(io, error, options.argv), options.json)
    return exitCodeOf(error._tag)
  }
  if (error instanceof CliFailure) {
    say(io, options.json ? JSON.stringify(error) : error.message, options.json)
    return error.exitCode
  }
  const defect = error instanceof Error ? error : new Error(String(error))
  const stack = defect.stack ?? defect.message
  say(
    io,
    options.json
      ? JSON.stringify({ tag: 'Defect', code: 'ANNALS_DEFECT', message: defect.message, retryable: false, stack })
      : `this is a defect of Annals, please report it:\n${stack}`,
    options.json,
  )
  return exitCodes.defect
}

function say(io: Io, text: string, json: boolean): void {
  io.stderr.write(json ? `${text}\n` : `${colorsFor(io, io.stderr).red('annals:')} ${text}\n`)
}

/** The error's own sentence, with the command to run spelled out for this store. */
function sentence(io: Io, error: AnnalsError, argv: ReadonlyArray<string>): string {
  const recover = `annals recover${target(io, argv)}`
  const lines = error.message.split('\n').map(safe).join(' ')
  if (error._tag === 'NotAStore' && !storeOf(io, argv).startsWith(error.data.url)) return lines
  if (error._tag === 'NotAStore' || error._tag === 'TenantNotFound')
    return `${lines}; 'annals load' and 'annals put' create what is missing, --store and --tenant name another place`
  return lines.replaceAll("'annals recover'", `'${recover}'`)
}

/** The flags that name the same store and tenant again. */
function target(io: Io, argv: ReadonlyArray<string>): string {
  const named = (flag: string, variable: string, fallback: string): string => {
    const value = flagValue(argv, flag) ?? io.env[variable] ?? fallback
    return value === fallback ? '' : ` ${flag} ${shellWord(value)}`
  }
  return `${named('--store', 'ANNALS_STORE', defaultStore)}${named('--tenant', 'ANNALS_TENANT', defaultTenant)}`
}

const storeOf = (io: Io, argv: ReadonlyArray<string>): string =>
  flagValue(argv, '--store') ?? io.env.ANNALS_STORE ?? defaultStore

function flagValue(argv: ReadonlyArray<string>, flag: string): string | undefined {
  const at = argv.findIndex((word) => word === flag || word.startsWith(`${flag}=`))
  const word = argv[at]
  if (word === undefined) return undefined
  return word === flag ? argv[at + 1] : word.slice(flag.length + 1)
}
