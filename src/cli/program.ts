/** The commands and their flags. Each file in `commands/` adds one or two that belong together. */
import { Command } from 'commander'
import { releaseVersion } from '../index.js'
import { addBootstrap } from './commands/bootstrap.js'
import { addCopy } from './commands/copy.js'
import { addDiff } from './commands/diff.js'
import { addDoctor } from './commands/doctor.js'
import { addExport } from './commands/export.js'
import { addExports } from './commands/exports.js'
import { addGet } from './commands/get.js'
import { addHistory } from './commands/history.js'
import { addLoad } from './commands/load.js'
import { addLog } from './commands/log.js'
import { addRecover, addVerify } from './commands/maintain.js'
import { addProjections } from './commands/projections.js'
import { addRestore, addRevert } from './commands/revert.js'
import { addSagas } from './commands/sagas.js'
import { addServe } from './commands/serve.js'
import { addStats } from './commands/stats.js'
import { addSubmit } from './commands/submit.js'
import { addShow, addTransaction } from './commands/transaction.js'
import { addDelete, addPatch, addPut } from './commands/write.js'
import type { Surroundings } from './session.js'
import { withCommonFlags } from './settings.js'

const examples = `
Examples:
  annals load patients.ndjson            load a file into ./annals-data
  annals get Patient/p1                  the current version
  annals history Patient/p1              who changed it, when and why
  annals diff Patient/p1 1 2             what changed between two versions
  annals verify                          check every byte and every pointer
  annals export --to ./export            everything as NDJSON files, of one instant
  annals serve                           a FHIR server on http://127.0.0.1:8080/fhir
  annals copy file:/backup/annals        a copy elsewhere; again tomorrow, only what is new

Exit codes: 0 done; 1 the check or the write failed, or there is no such resource; 2 unacceptable flags or input;
3 the store cannot be opened or reached; 70 a defect; 130 stopped by Ctrl-C.
`

/** Adds one command; `examples` is shown under its help. */
export type AddCommand = (make: MakeCommand, surroundings: Surroundings) => void
export type MakeCommand = (usage: string, summary: string, examples: string) => Command

/** Where commander writes what it has to say. */
export interface Said {
  out: string
  err: string
}

export function buildProgram(surroundings: Surroundings, said: Said): Command {
  const helpWidth = Math.min(surroundings.io.stdout.columns ?? 100, 120)
  const program = new Command('annals')
    .description('Annals keeps versioned resources as an immutable log: load, read, compare and verify them.')
    .version(releaseVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        said.out += text
      },
      writeErr: (text) => {
        said.err += text
      },
    })
    .configureHelp({ helpWidth })
    .showSuggestionAfterError(true)
    .addHelpText('after', examples)
  const make: MakeCommand = (usage, summary, text) => {
    const command = program.command(usage).summary(summary).description(summary).exitOverride()
    command.addHelpText('after', `\nExamples:\n${text.trimEnd()}\n`)
    return command
  }
  const commands: ReadonlyArray<AddCommand> = [
    addLoad,
    addSubmit,
    addPut,
    addPatch,
    addGet,
    addDelete,
    addTransaction,
    addShow,
    addRevert,
    addRestore,
    addHistory,
    addDiff,
    addLog,
    addStats,
    addProjections,
    addSagas,
    addExport,
    addExports,
    addVerify,
    addRecover,
    addCopy,
    addDoctor,
    addBootstrap,
    addServe,
  ]
  for (const add of commands) add(make, surroundings)
  // Last, so that a command's own flags come first in its help.
  for (const command of program.commands) withCommonFlags(command)
  return program
}
