/** Runs one command line: parses it, runs the command, and turns whatever happens into an exit code and one sentence. */
import { CommanderError } from 'commander'
import { exitCodes } from './exit.js'
import { PipeClosed, usage } from './failure.js'
import type { Io } from './io.js'
import { makeOutput } from './output.js'
import { buildProgram } from './program.js'
import { reportError } from './report.js'
import type { Surroundings } from './session.js'

/** The exit code of `annals {argv}`. Never throws, and never ends the process. */
export async function runCli(argv: ReadonlyArray<string>, io: Io): Promise<number> {
  const out = makeOutput(io)
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  if (io.signal.aborted) onAbort()
  io.signal.addEventListener('abort', onAbort)
  // A reader that went away is as good as a Ctrl-C to whatever runs on.
  io.stdout.once('error', onAbort)
  // Nobody is left to hear of it.
  io.stderr.on('error', () => undefined)
  const said = { out: '', err: '' }
  let code: number = exitCodes.done
  let stoppedCode: number | undefined = exitCodes.interrupted
  let place: ReadonlyArray<string> = []
  const surroundings: Surroundings = {
    io,
    out,
    signal: stop.signal,
    finish: (exitCode) => {
      code = exitCode
    },
    endsWhenStopped: () => {
      stoppedCode = undefined
    },
    worksAt: ({ store, tenant }) => {
      place = ['--store', store, '--tenant', tenant]
    },
  }
  const program = buildProgram(surroundings, said)
  try {
    await program.parseAsync(argv, { from: 'user' })
    await out.flush()
  } catch (error) {
    code = await exitCodeFor(error)
  } finally {
    io.signal.removeEventListener('abort', onAbort)
    io.stdout.off('error', onAbort)
  }
  return io.signal.aborted && code !== exitCodes.defect ? (stoppedCode ?? code) : code

  async function exitCodeFor(error: unknown): Promise<number> {
    if (error instanceof PipeClosed || out.isClosed) return exitCodes.done
    const json = argv.includes('--json')
    if (!(error instanceof CommanderError)) return reportError(io, error, { json, argv: [...place, ...argv] })
    if (error.exitCode !== 0) return reportError(io, usage(sentenceOf(error, said.err)), { json, argv })
    io.stdout.write(said.out)
    return exitCodes.done
  }
}

/** Commander has said what is wrong, or, for a command line without a command, shown the whole help. */
function sentenceOf(error: CommanderError, said: string): string {
  if (error.code === 'commander.help') return `a command is needed\n\n${said.trimEnd()}`
  return error.message.replace(/^error: /, '').replace(/\n\(?(Did you mean .*?)\)?$/, '; $1')
}
