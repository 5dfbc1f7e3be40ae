/** `annals stats`: what a tenant holds, folded from its log. Memory grows with the types, not with the resources. */
import type { CommitView } from '../../index.js'
import type { AddCommand } from '../program.js'
import { makeProgressBar } from '../progress.js'
import { makeSession, type Session, withTenant } from '../session.js'
import { settingsOf } from '../settings.js'
import { makeTable } from '../table.js'
import { grouped, humanBytes } from '../text.js'

interface TypeStats {
  resources: number
  live: number
  versions: number
  bytes: number
}

interface Stats {
  commits: number
  transactions: number
  events: number
  /** Of the log objects. */
  bytes: number
  first?: string
  last?: string
  readonly types: Map<string, TypeStats>
}

const examples = `  annals stats
  annals stats --json | jq .types.Patient.live

Reads the headers of the whole log, and no bodies. The bytes of a type are those of the bodies of all its versions.`

export const addStats: AddCommand = (make, surroundings) => {
  make('stats', 'Count commits, events, and the resources of each type', examples).action(async (flags: object) => {
    const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
    await withTenant(session, { create: false }, async (tenant) => {
      const head = await tenant.head()
      const ends = await Promise.all(tenant.partitions.map((log) => log.head()))
      const total = ends.reduce((sum, { seq }) => sum + seq, 0)
      const bar = makeProgressBar(session)
      const stats: Stats = { commits: 0, transactions: 0, events: 0, bytes: 0, types: new Map() }
      try {
        for (const [partition, log] of tenant.partitions.entries())
          for await (const commit of log.commits({ to: ends[partition]?.seq, bodies: false, signal: session.signal })) {
            add(stats, commit)
            bar.update(stats.commits, total, `commit ${stats.commits} of ${total}`)
          }
      } finally {
        bar.stop()
      }
      // Half a count is no count.
      if (session.signal.aborted) return
      const { seq, hash } = head
      await show(session, tenant.name, tenant.kind, stats, { seq, hash })
    })
  })
}

function add(stats: Stats, commit: CommitView): void {
  stats.commits++
  stats.bytes += commit.bytes
  // The logs of a tenant come one after the other.
  if (stats.first === undefined || commit.at < stats.first) stats.first = commit.at
  if (stats.last === undefined || commit.at > stats.last) stats.last = commit.at
  for (const { events } of commit.transactions) {
    stats.transactions++
    stats.events += events.length
    for (const { type, version, op, length = 0 } of events) {
      let of = stats.types.get(type)
      if (of === undefined) {
        of = { resources: 0, live: 0, versions: 0, bytes: 0 }
        stats.types.set(type, of)
      }
      of.versions++
      of.bytes += length
      if (version === 1) of.resources++
      // A create makes alive what was not, a delete ends what was: their difference needs no list of resources.
      if (op === 'create') of.live++
      else if (op === 'delete') of.live--
    }
  }
}

async function show(
  session: Session,
  tenant: string,
  kind: string,
  stats: Stats,
  head: { seq: number; hash: string },
): Promise<void> {
  const { out, colors, json } = session
  const { commits, transactions, events, bytes, first, last } = stats
  const types = [...stats.types].sort(([a], [b]) => (a < b ? -1 : 1))
  const live = types.reduce((sum, [, of]) => sum + of.live, 0)
  const resources = types.reduce((sum, [, of]) => sum + of.resources, 0)
  if (json) {
    const byType = Object.fromEntries(types.map(([type, of]) => [type, { ...of, deleted: of.resources - of.live }]))
    const total = { tenant, kind, commits, transactions, events, bytes, first, last, head }
    return out.line(JSON.stringify({ ...total, resources, live, deleted: resources - live, types: byType }))
  }
  const number = (n: number): string => (out.isTerminal ? grouped(n) : String(n))
  const size = (n: number): string => (out.isTerminal ? humanBytes(n) : String(n))
  const facts: ReadonlyArray<[string, string]> = [
    ['tenant', `${tenant} (${kind})`],
    ['commits', number(commits)],
    ['transactions', number(transactions)],
    ['events', number(events)],
    ['bytes', size(bytes)],
    ['resources', `${number(resources)} (${number(live)} live, ${number(resources - live)} deleted)`],
    ['first', first ?? '-'],
    ['last', last ?? '-'],
    ['head', `${head.seq} ${head.hash}`],
  ]
  for (const [name, value] of facts)
    await out.line(out.isTerminal ? `${colors.dim(name.padEnd(12))}  ${value}` : `${name}\t${value}`)
  await out.line('')
  const numbers = ['resources', 'live', 'deleted', 'versions', 'bytes'].map((title) => ({ title, right: true }))
  const table = makeTable(out, colors, [{ title: 'type', paint: (c, cell) => c.bold(cell) }, ...numbers])
  for (const [type, of] of types) {
    const counts = [of.resources, of.live, of.resources - of.live, of.versions].map(number)
    await table.row([type, ...counts, size(of.bytes)])
  }
  await table.flush()
}
