/** `annals history`: who changed what, when and why. */

import { readAsOf } from '../../../domain/as-of.js'
import { formatPosition, type HistoryPage, type ResourceVersion, type Tenant, versionJson } from '../../index.js'
import { usage } from '../failure.js'
import { comma } from '../json.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Session, withTenant } from '../session.js'
import { parseScope, settingsOf, wholeNumber } from '../settings.js'
import { type Column, makeTable, type Table } from '../table.js'

interface Flags {
  readonly since?: string
  readonly at?: string
  readonly count?: number
  readonly cursor?: string
  readonly oldestFirst?: boolean
  readonly follow?: boolean
  readonly bodies?: boolean
}

interface Scope {
  readonly type?: string
  readonly id?: string
}

const examples = `  annals history                                 the newest 50 entries of the tenant
  annals history Patient --since 2026-01-01      of a type
  annals history Patient/p1                      of one resource
  annals history --oldest-first                  from the beginning, or from --since on
  annals history --count 1000 --cursor eyJz…     the next page; its cursor is on stderr
  annals history Patient --follow                new entries as they come, oldest first, until Ctrl-C

Columns: position, instant, Type/id, version, operation, actor, reason.
With --json: {"entries":[…],"cursor":"…"}, without a cursor on the last page; with --follow one entry on each line.`

const defaultCount = 50
/** What is shown of the past before new entries are waited for. */
const defaultFollowCount = 10
const largestPage = 1_000

const columns: ReadonlyArray<Column> = [
  { title: 'position', paint: (colors, cell) => colors.dim(cell) },
  { title: 'instant' },
  { title: 'resource', paint: (colors, cell) => colors.bold(cell) },
  { title: 'version', right: true },
  {
    title: 'op',
    paint: (colors, cell) => {
      const op = cell.trim()
      return (op === 'create' ? colors.green : op === 'delete' ? colors.red : colors.yellow)(cell)
    },
  },
  { title: 'actor' },
  { title: 'reason' },
]

export const addHistory: AddCommand = (make, surroundings) => {
  make('history [Type[/id]]', 'List the versions of the tenant, of a type or of a resource, newest first', examples)
    .option('--since <instant>', 'entries at or after this instant')
    .option('--at <instant>', 'the history as it was then: an instant or a position')
    .option('--count <n>', `entries (default ${defaultCount})`, wholeNumber('--count', 0))
    .option('--oldest-first', 'the oldest entries first')
    .option('--cursor <cursor>', 'where the page before ended; it carries --since, --at and --oldest-first')
    .option('--follow', `the last entries (--count, default ${defaultFollowCount}), then new ones as they come`)
    .option('--bodies', 'with --json: the bodies too')
    .action(async (text: string | undefined, flags: Flags) => {
      const scope = text === undefined ? {} : parseScope(text)
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      if (flags.follow && (flags.at !== undefined || flags.cursor !== undefined || flags.oldestFirst))
        throw usage(
          '--follow shows the last entries and what comes: it goes with none of --at, --cursor, --oldest-first',
        )
      if (!flags.follow && flags.count === 0) throw usage('--count is a whole number from 1, unless with --follow')
      await withTenant(session, { create: false }, (tenant) =>
        flags.follow ? follow(session, tenant, scope, flags) : page(session, tenant, scope, flags),
      )
    })
}

async function page(session: Session, tenant: Tenant, scope: Scope, flags: Flags): Promise<void> {
  const { out, json } = session
  const table = makeTable(out, session.colors, columns)
  let shown = 0
  let cursor: string | undefined
  if (json) await out.write('{"entries":[')
  for await (const found of pages(session, tenant, scope, flags, flags.count ?? defaultCount)) {
    for (const entry of found.entries) {
      if (json && shown > 0) await out.write(comma)
      await (json ? out.write(versionJson(entry)) : showEntry(table, entry))
      shown++
    }
    cursor = found.cursor
  }
  await table.flush()
  if (json) return out.line(cursor === undefined ? ']}' : `],"cursor":${JSON.stringify(cursor)}}`)
  await out.flush()
  if (cursor !== undefined) session.note(`next page: --cursor ${cursor}`)
  else if (shown === 0) session.note('no entries')
}

/** Pages of the store until `count` entries have come, or there are no more. */
async function* pages(
  session: Session,
  tenant: Tenant,
  scope: Scope,
  flags: Flags,
  count: number,
): AsyncGenerator<HistoryPage> {
  let { cursor } = flags
  for (let left = count; left > 0 && !session.signal.aborted; ) {
    const found = await tenant.history(scope, {
      count: Math.min(left, largestPage),
      cursor,
      since: cursor === undefined ? flags.since : undefined,
      order: flags.oldestFirst ? 'oldest-first' : 'newest-first',
      at: cursor === undefined && flags.at !== undefined ? readAsOf(flags.at) : undefined,
      bodies: session.json && flags.bodies === true,
    })
    yield found
    cursor = found.cursor
    left -= found.entries.length
    if (cursor === undefined) return
  }
}

/** The head is pinned first: what is at or below it comes from the history, what is above it from the log. */
async function follow(session: Session, tenant: Tenant, scope: Scope, flags: Flags): Promise<void> {
  const { out, json, signal } = session
  const table = makeTable(out, session.colors, columns)
  const show = (entry: ResourceVersion): Promise<void> =>
    json ? out.line(versionJson(entry)) : showEntry(table, entry)
  const { seq } = await tenant.head()
  const past: ResourceVersion[] = []
  const at = `0-${seq}-0`
  if (seq > 0)
    for await (const found of pages(session, tenant, scope, { ...flags, at }, flags.count ?? defaultFollowCount))
      past.push(...found.entries)
  for (const entry of past.reverse()) await show(entry)
  await table.flush()
  const bodies = json && flags.bodies === true
  for await (const commit of tenant.commits({ from: seq + 1, follow: true, signal, bodies })) {
    for (const { events } of commit.transactions) for (const event of events) if (isIn(scope, event)) await show(event)
    await table.flush()
    if (out.isClosed) return
  }
}

const isIn = ({ type, id }: Scope, event: ResourceVersion): boolean =>
  (type === undefined || type === event.type) && (id === undefined || id === event.id)

const showEntry = (table: Table, entry: ResourceVersion): Promise<void> =>
  table.row([
    formatPosition(entry.position),
    entry.at,
    `${entry.type}/${entry.id}`,
    String(entry.version),
    entry.op,
    entry.actor ?? '',
    entry.reason ?? '',
  ])
