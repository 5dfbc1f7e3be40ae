/** Opens a log: holds the head of its pointers against the log itself, and heals or refuses (rule 9). */
import { type ChainLink, chainProblem, linkOf, origin } from '../domain/commit.js'
import { type AnnalsError, annalsError } from '../domain/error.js'
import { headPk, headSk, logPrefix } from '../domain/keys.js'
import { headFromItem, headItem } from '../domain/pointer.js'
import type { BlobStore, Clock, PointerStore } from '../domain/ports/index.js'
import { attempt, run } from '../domain/task.js'
import type { LogReader } from './read/log-reader.js'
import { publishCommit } from './write/publisher.js'

/** How often, and how far apart in milliseconds, to look whether another process has published a commit. */
const looksForOthers = 20
const lookMs = 100

export interface OpenLogDeps {
  readonly tenant: string
  readonly shards: number
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly log: LogReader
  readonly clock: Clock
}

/** The head of the log, with everything below it published. */
export async function openLog(deps: OpenLogDeps): Promise<ChainLink> {
  const { tenant, pointers, log } = deps
  const { partition } = log
  const item = await run(pointers.get(headPk(tenant, partition), headSk))
  if (item === undefined) return beginLog(deps)
  const head = headFromItem(item)
  const [at, next] = await Promise.all([head.seq === 0 ? undefined : log.open(head.seq), log.open(head.seq + 1)])
  if (head.seq > 0) {
    const problem =
      at === undefined
        ? 'the head names a commit that the log does not hold'
        : at.commit.hash !== head.hash
          ? 'the head has another hash than the commit in the log'
          : undefined
    if (problem !== undefined) throw annalsError('LogMismatch', { log: log.name, seq: head.seq, problem })
  }
  if (next === undefined) return head
  const problem = chainProblem(head, next.commit, log.name)
  if (problem !== undefined) throw annalsError('LogMismatch', { log: log.name, seq: head.seq + 1, problem })
  return healForward(deps, head)
}

/**
 * Publishes every commit beyond the head: an older pointer store was restored, or a writer died before it published. Who
 * may not write waits until somebody else has published it: what was acknowledged has to be visible.
 */
async function healForward(deps: OpenLogDeps, head: ChainLink): Promise<ChainLink> {
  let link = head
  for await (const { commit } of deps.log.follow(head)) {
    const published = await attempt(() => publishCommit({ ...deps, partition: deps.log.partition }, commit))()
    if (published._tag === 'Left' && !(await isPublishedByOthers(deps, commit, published.left))) throw published.left
    link = linkOf(commit)
  }
  return link
}

/** A commit that is just being published is there in a moment; one that nobody publishes needs somebody who may. */
async function isPublishedByOthers(deps: OpenLogDeps, { seq }: ChainLink, refusal: AnnalsError): Promise<boolean> {
  if (refusal._tag !== 'StorageRefused') return false
  const { tenant, pointers, log, clock } = deps
  for (let looked = 0; looked < looksForOthers; looked++) {
    const item = await run(pointers.get(headPk(tenant, log.partition), headSk))
    if (item !== undefined && headFromItem(item).seq >= seq) return true
    await clock.sleep(lookMs)
  }
  return false
}

/** A log without a head is new only if it is empty: pointers that were lost are never taken for a new tenant. */
async function beginLog(deps: OpenLogDeps): Promise<ChainLink> {
  const { tenant, pointers, log } = deps
  if (await hasCommits(deps)) {
    // A log has a head before its first commit: if another process has just begun it, the head is there by now.
    if ((await run(pointers.get(headPk(tenant, log.partition), headSk))) !== undefined) return openLog(deps)
    throw annalsError('NeedsRecovery', { log: log.name, problem: 'the log has commits, but its pointers are gone' })
  }
  const created = await run(pointers.compareAndSet(headItem(tenant, log.partition, origin), 0))
  return created.done ? origin : openLog(deps)
}

/** Its first commit may be lost along with the pointers, so the log is listed, once in its life. */
async function hasCommits({ tenant, blobs, log }: OpenLogDeps): Promise<boolean> {
  if ((await log.open(1)) !== undefined) return true
  return (await run(blobs.list(logPrefix(tenant, log.partition), { limit: 1 }))).entries.length > 0
}
