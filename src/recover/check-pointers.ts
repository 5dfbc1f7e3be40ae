/** Verification of the pointer store: every item that a commit makes is there and equal, and there is no other. */
import { isDeepStrictEqual } from 'node:util'
import { type Commit, eventsOf } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import type { EventHeader } from '../../domain/header.js'
import { indexPrefixes, versionSk, versionsPk } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { pointerItems } from '../../projections/pointers.js'
import type { Found, VerifyDeps } from './difference.js'

/** Items read at once when the pointer store is scanned. */
const scanPage = 1_000
/** Every item that the commit makes is there and equal. Answers how many of them stay as long as the log. */
export async function checkPointers(deps: VerifyDeps, commit: Commit, found: Found): Promise<number> {
  const items = itemsOf(deps, commit)
  const stored = await run(deps.pointers.getAll(items))
  let kept = 0
  items.forEach((expected, i) => {
    const actual = stored[i]
    if (expected.expiresAt !== undefined && expected.expiresAt <= deps.clock.now() / 1_000_000) return
    if (expected.expiresAt === undefined && actual !== undefined) kept++
    const key = itemKey(expected)
    if (actual === undefined) found('pointer-missing', key, `commit ${commit.seq} makes it`)
    else if (!isDeepStrictEqual(actual.attributes, expected.attributes))
      found('pointer-different', key, `it is not what commit ${commit.seq} makes`)
  })
  return kept
}

/** Every event follows the version before it. */
export async function checkOrder(deps: VerifyDeps, commit: Commit, found: Found): Promise<void> {
  const { pointers, log } = deps
  const events = [...eventsOf(commit)].map(({ event }) => event)
  const later = events.filter(({ version }) => version > 1)
  const stored = await run(
    pointers.getAll(
      later.map(({ type, id, version }) => ({ pk: versionsPk(log, type, id), sk: versionSk(version - 1) })),
    ),
  )
  const before = new Map(later.map((event, i) => [event, stored[i]]))
  for (const event of events) {
    const problem = orderProblem(event, before.get(event))
    if (problem !== undefined)
      found('version-order', log.key(commit.seq), `${event.type}/${event.id} version ${event.version}: ${problem}`)
  }
}

function orderProblem({ version, prev }: EventHeader, before: Item | undefined): string | undefined {
  if (version === 1) return prev === undefined ? undefined : 'a first version follows none'
  if (prev === undefined) return 'it does not say which event it follows'
  const { seq, index } = before?.attributes ?? {}
  return seq === prev.seq && index === prev.index ? undefined : `version ${version - 1} is not where it says`
}

/** Items that no commit makes. Counting finds out whether there are any; only then each is looked up in the log. */
export async function checkExtras(
  deps: VerifyDeps,
  head: number,
  expected: number,
  found: Found,
  signal?: AbortSignal,
): Promise<void> {
  let counted = 0
  for await (const item of indexItems(deps, signal)) if ((item.attributes.seq as number) <= head) counted++
  if (counted === expected) return
  let known: { seq: number; keys: Set<string> | undefined } | undefined
  for await (const item of indexItems(deps, signal)) {
    const seq = item.attributes.seq as number
    if (seq > head) continue
    if (known?.seq !== seq) known = { seq, keys: await keysOf(deps, seq) }
    if (known.keys?.has(itemKey(item)) === false)
      found('pointer-extra', itemKey(item), `commit ${seq} does not make it`)
  }
}

/** Version pointers and type index: the items that stay as long as the log. */
async function* indexItems(deps: VerifyDeps, signal: AbortSignal | undefined): AsyncGenerator<Item> {
  const pkPrefixes = indexPrefixes(deps.log)
  let token: string | undefined
  do {
    if (signal?.aborted === true) throw annalsError('Cancelled', { what: 'verification' })
    const page = await run(deps.pointers.scan({ pkPrefixes, limit: scanPage, token }))
    yield* page.items
    token = page.token
  } while (token !== undefined)
}

/** `undefined` for a commit that is damaged or missing, which is a difference of its own: it can't disown its items. */
async function keysOf(deps: VerifyDeps, seq: number): Promise<Set<string> | undefined> {
  const opened = await deps.log.open(seq).catch(() => undefined)
  if (opened === undefined) return undefined
  return new Set(itemsOf(deps, opened.commit).map(itemKey))
}

const itemsOf = ({ tenant, shards, log: { partition } }: VerifyDeps, commit: Commit): Item[] =>
  pointerItems({ tenant, partition, shards }, commit)

const itemKey = (item: Item): string => `${item.pk} ${item.sk}`
