/** `annals log`: the commits, one on each line. */
import { type CommitView, commitJson } from '../../index.js'
import type { AddCommand } from '../program.js'
import { makeSession, withTenant } from '../session.js'
import { settingsOf, wholeNumber } from '../settings.js'
import { type Column, makeTable } from '../table.js'
import { humanBytes } from '../text.js'

interface Flags {
  readonly from?: number
  readonly to?: number
  readonly follow?: boolean
  readonly bodies?: boolean
}

const examples = `  annals log                                     every commit, oldest first
  annals log --from 1000 --to 1100
  annals log --follow                            new commits as they come, until Ctrl-C
  annals log --json --bodies | jq .seq           each commit with its transactions, events and bodies

Columns: seq, instant, writer, transactions, events, bytes, hash.
The hash of a commit is the SHA-256 of its header line, which the next commit names as its 'prev'.`

/** Characters of a hash that a terminal shows. */
const shortHash = 12

const columns: ReadonlyArray<Column> = [
  { title: 'seq', right: true, paint: (colors, cell) => colors.bold(cell) },
  { title: 'instant' },
  { title: 'writer', paint: (colors, cell) => colors.dim(cell) },
  { title: 'transactions', right: true },
  { title: 'events', right: true },
  { title: 'bytes', right: true },
  { title: 'hash', paint: (colors, cell) => colors.dim(cell) },
]

export const addLog: AddCommand = (make, surroundings) => {
  make('log', 'List the commits of the log, oldest first', examples)
    .option('--from <seq>', 'the first commit (default 1)', wholeNumber('--from', 1))
    .option('--to <seq>', 'the last commit (default: the head)', wholeNumber('--to', 1))
    .option('--follow', 'go on with new commits as they come')
    .option('--bodies', 'with --json: the bodies too')
    .action(async (flags: Flags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const { out, json, signal } = session
      const { from, to, follow } = flags
      const table = makeTable(out, session.colors, columns)
      await withTenant(session, { create: false }, async (tenant) => {
        const bodies = json && flags.bodies === true
        for await (const commit of tenant.commits({ from, to, follow, signal, bodies })) {
          await (json ? out.line(commitJson(commit)) : table.row(cells(commit, out.isTerminal)))
          if (follow) await table.flush()
        }
        await table.flush()
      })
    })
}

function cells(commit: CommitView, forPeople: boolean): ReadonlyArray<string> {
  const { seq, at, writer, transactions, bytes, hash } = commit
  const events = transactions.reduce((sum, transaction) => sum + transaction.events.length, 0)
  return [
    String(seq),
    at,
    writer,
    String(transactions.length),
    String(events),
    forPeople ? humanBytes(bytes) : String(bytes),
    forPeople ? hash.slice(0, shortHash) : hash,
  ]
}
