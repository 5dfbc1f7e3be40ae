/**
 * Verification: walks the log from its first commit and holds everything against it: the chain, every body's hash, every
 * pointer in both directions, the head. It changes nothing, and goes on after a difference.
 */
import { isDeepStrictEqual } from 'node:util'
import { type ChainLink, type Commit, chainProblem, eventsOf, origin, sha256 } from '../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import type { EventHeader } from '../../domain/header.js'
import { blobKey, headPk, headSk, indexPrefixes, versionSk, versionsPk } from '../../domain/keys.js'
import { headFromItem } from '../../domain/pointer.js'
import type { BlobStore, Clock, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { pointerItems } from '../../projections/pointers.js'
import type { VerifyOptions, VerifyReport } from '../api.js'
import type { LogReader, OpenCommit } from '../read/log-reader.js'
import type { Difference, DifferenceKind } from './difference.js'

export interface VerifyDeps {
  readonly tenant: string
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly log: LogReader
}

/** Items read at once when the pointer store is scanned. */
const scanPage = 1_000
/** Commits whose pointers were checked between two reports of progress. */
const reportEvery = 64

export async function verifyLog(deps: VerifyDeps, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { log, tenant, pointers } = deps
  const report = { commits: 0, events: 0, bodies: 0, items: 0, differences: 0 }
  const found = (kind: DifferenceKind, key: string, problem: string): void => {
    report.differences++
    const difference: Difference = { kind, key, problem }
    options.onDifference?.(difference)
  }
  const headKey = headPk(tenant, log.partition)
  const item = await run(pointers.get(headKey, headSk))
  const head = item && headFromItem(item)
  const last = Math.max(await log.findHead(0), await log.findHead(head?.seq ?? 0))
  let link: ChainLink | undefined = origin
  let end = 0

  for (let seq = 1; seq <= last; seq++) {
    if (options.signal?.aborted === true) throw annalsError('Cancelled', { what: 'verification' })
    const { opened, exists } = await openForCheck(deps, seq, found)
    if (exists) {
      // Only what is missing before a commit is a hole; what is missing at the end is a head ahead of its log.
      for (let hole = end + 1; hole < seq; hole++)
        found('commit-missing', log.key(hole), 'there is no such object, though later commits exist')
      end = seq
    }
    if (opened !== undefined) {
      const problem = link && chainProblem(link, opened.commit, log.name)
      if (problem !== undefined) found('chain-broken', log.key(seq), problem)
      report.commits++
      report.bodies += await checkBodies(deps, opened, found)
      const visible = head !== undefined && seq <= head.seq
      if (visible) {
        report.items += await checkPointers(deps, opened.commit, found)
        await checkOrder(deps, opened.commit, found)
      }
      for (const _ of eventsOf(opened.commit)) report.events++
    }
    link = opened?.commit
    if (seq === head?.seq && opened !== undefined && opened.commit.hash !== head.hash)
      found('head-different', headKey, `its hash is not that of commit ${seq}`)
    if (seq % reportEvery === 0 || seq === last) options.onProgress?.({ done: seq, total: last, events: report.events })
  }
  if (head === undefined) found('head-missing', headKey, 'the log has no head in the pointer store')
  else {
    if (head.seq > end) found('head-ahead', headKey, `it says ${head.seq}, the log ends at ${end}`)
    if (head.seq < end) await checkBehind(deps, end, found)
    await checkExtras(deps, head.seq, report.items, found)
  }
  return report
}

const newline = 10

type Found = (kind: DifferenceKind, key: string, problem: string) => void

async function openForCheck(
  deps: VerifyDeps,
  seq: number,
  found: Found,
): Promise<{ opened?: OpenCommit; exists: boolean }> {
  const { log } = deps
  try {
    const opened = await log.openWhole(seq)
    return { opened, exists: opened !== undefined }
  } catch (error) {
    const failure = error as AnnalsError
    if (failure._tag === 'Corrupt') found('commit-damaged', log.key(seq), failure.data.problem)
    else if (failure._tag === 'UnsupportedFormat') found('commit-damaged', log.key(seq), failure.message)
    else throw error
    return { exists: true }
  }
}

/** Every byte after the header belongs to a body, and every body has its hash. */
async function checkBodies(deps: VerifyDeps, opened: OpenCommit, found: Found): Promise<number> {
  const { commit, bytes } = opened
  const key = deps.log.key(commit.seq)
  let checked = 0
  let end = commit.bodiesAt
  for (const { event, index } of eventsOf(commit)) {
    if (event.op === 'delete') continue
    checked++
    const where = `${event.type}/${event.id} version ${event.version} (event ${index})`
    const body = event.blob === undefined ? inlineBody(opened, event) : await blobBody(deps, event.blob)
    if (body === undefined) found('blob-missing', blobKey(deps.tenant, event.blob ?? ''), `${where} needs it`)
    else if (sha256(body) !== event.sha256 || body.length !== event.length)
      found(
        'body-damaged',
        event.blob === undefined ? key : blobKey(deps.tenant, event.blob),
        `${where} does not have its hash`,
      )
    if (event.blob !== undefined) continue
    end += (event.length ?? 0) + 1
    // No hash covers the newline behind a body.
    if (end <= bytes.length && bytes[end - 1] !== newline)
      found('commit-damaged', key, `byte ${end - 1} is not the newline behind a body`)
  }
  if (bytes.length !== end) found('commit-damaged', key, `it has ${bytes.length} bytes, its header accounts for ${end}`)
  return checked
}

function inlineBody({ commit, bytes }: OpenCommit, { offset = 0, length = 0 }: EventHeader): Uint8Array {
  const start = commit.bodiesAt + offset
  return bytes.subarray(start, start + length)
}

async function blobBody(deps: VerifyDeps, blob: string): Promise<Uint8Array | undefined> {
  return (await run(deps.blobs.get(blobKey(deps.tenant, blob))))?.bytes
}

/** Every item that the commit makes is there and equal. Answers how many of them stay as long as the log. */
async function checkPointers(deps: VerifyDeps, commit: Commit, found: Found): Promise<number> {
  const { tenant, pointers, log } = deps
  const items = pointerItems(tenant, log.partition, commit)
  const stored = await run(pointers.getAll(items))
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
async function checkOrder(deps: VerifyDeps, commit: Commit, found: Found): Promise<void> {
  const { tenant, pointers, log } = deps
  const events = [...eventsOf(commit)].map(({ event }) => event)
  const later = events.filter(({ version }) => version > 1)
  const stored = await run(
    pointers.getAll(
      later.map(({ type, id, version }) => ({ pk: versionsPk(tenant, type, id), sk: versionSk(version - 1) })),
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

/** A head that stays behind the log; one that is just being advanced by a writer is none. */
async function checkBehind(deps: VerifyDeps, end: number, found: Found): Promise<void> {
  const pk = headPk(deps.tenant, deps.log.partition)
  const item = await run(deps.pointers.get(pk, headSk))
  const seq = item === undefined ? 0 : headFromItem(item).seq
  if (seq < end)
    found('head-behind', pk, `it says ${seq}, the log ends at ${end}; opening the tenant publishes the rest`)
}

/** Items that no commit makes. Counting finds out whether there are any; only then each is looked up in the log. */
async function checkExtras(deps: VerifyDeps, head: number, expected: number, found: Found): Promise<void> {
  let counted = 0
  for await (const item of indexItems(deps)) if ((item.attributes.seq as number) <= head) counted++
  if (counted === expected) return
  let known: { seq: number; keys: Set<string> | undefined } | undefined
  for await (const item of indexItems(deps)) {
    const seq = item.attributes.seq as number
    if (seq > head) continue
    if (known?.seq !== seq) known = { seq, keys: await keysOf(deps, seq) }
    if (known.keys?.has(itemKey(item)) === false)
      found('pointer-extra', itemKey(item), `commit ${seq} does not make it`)
  }
}

/** Version pointers and type index: the items that stay as long as the log. */
async function* indexItems(deps: VerifyDeps): AsyncGenerator<Item> {
  const pkPrefixes = indexPrefixes(deps.tenant)
  let token: string | undefined
  do {
    const page = await run(deps.pointers.scan({ pkPrefixes, limit: scanPage, token }))
    yield* page.items
    token = page.token
  } while (token !== undefined)
}

/** `undefined` for a commit that is damaged or missing, which is a difference of its own: it can't disown its items. */
async function keysOf(deps: VerifyDeps, seq: number): Promise<Set<string> | undefined> {
  const opened = await deps.log.open(seq).catch(() => undefined)
  if (opened === undefined) return undefined
  return new Set(pointerItems(deps.tenant, deps.log.partition, opened.commit).map(itemKey))
}

const itemKey = (item: Item): string => `${item.pk} ${item.sk}`
