/**
 * Copies the log of a tenant into another store, commit by commit, from the first one that is missing there.
 *
 * Numbers are created strictly in order, and each commit with its large bodies is checked before anything of it is written:
 * wherever a copy ends, the destination is an earlier, valid state of the source. Publishing a commit overlaps with copying
 * the next one. Memory holds some 16 MiB that are read ahead, one commit, and its large bodies by the group.
 */
import type { Commit } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { everyPartition } from '../../domain/partitions.js'
import { childOf, withinGrace } from '../../projections/stopping.js'
import type { VerifyReport } from '../api.js'
import { makeLogReader } from '../read/log-reader.js'
import type { CopyOptions, CopyReport } from './api.js'
import { begin, checkManifests, lastCommon, type Manifests } from './beginning.js'
import { makeCommitCopier, type Written } from './commit.js'
import { atDestination, patient } from './patience.js'
import { makePublishing } from './publishing.js'
import type { CopyLog, Side } from './side.js'
import { makeSource } from './source.js'

type Draft = { -readonly [K in keyof CopyReport]: CopyReport[K] }
type Options = CopyOptions & { readonly signal: AbortSignal }

export async function copyTenant(from: Side, to: Side, tenant: string, options: CopyOptions = {}): Promise<CopyReport> {
  const { follow = false, verify = false } = options
  if (from === to) throw annalsError('InvalidInput', { what: 'destination', problem: 'it is the source itself' })
  if (follow && verify)
    throw annalsError('InvalidInput', { what: 'verify', problem: 'a copy that follows has no end to verify at' })
  const signal = AbortSignal.any([from.closing, to.closing, ...(options.signal === undefined ? [] : [options.signal])])
  const drafts: Draft[] = []
  const copying = copyAll(drafts, from, to, tenant, { ...options, signal })
  const isDone = await from.during(to.during(untilStopped(copying, from, signal)))
  const report = sumOf(drafts)
  if (isDone && verify)
    return { ...report, verified: await verifyDestination(to, tenant, report, { ...options, signal }) }
  if (isDone || (follow && options.signal?.aborted === true)) return report
  throw annalsError('Cancelled', { what: 'the copy' })
}

/** Whether it came to its end. What is under way when the signal aborts has a moment to end; then it is left to itself. */
async function untilStopped(copying: Promise<void>, { clock }: Side, signal: AbortSignal): Promise<boolean> {
  try {
    return (await withinGrace(copying, signal, clock)) !== 'stopped'
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

/** The logs of the tenant one after the other, or side by side where they have no end. `drafts`: what is done of each so far. */
async function copyAll(drafts: Draft[], from: Side, to: Side, tenant: string, options: Options): Promise<void> {
  const { clock, ids, limits } = from
  const patience = { clock, ids, forMs: limits.writeTimeoutMs, signal: options.signal }
  const source = patient(from, patience)
  const target = patient(to, patience)
  const manifests = await checkManifests(source, target, tenant)
  const seen = new Map<number, Seen>()
  const copy = (partition: number, signal: AbortSignal): Promise<void> => {
    const draft: Draft = { commits: 0, events: 0, bytes: 0, blobs: 0, from: 1, to: 0 }
    drafts.push(draft)
    const logs = { source: logOf(source, tenant, partition), target: logOf(target, tenant, partition) }
    const onSeen = (now: Seen): void => {
      seen.set(partition, now)
      const { events, bytes } = sumOf(drafts)
      const all = [...seen.values()]
      const done = all.reduce((sum, each) => sum + each.done, 0)
      const total = all.reduce((sum, each) => sum + each.total, 0)
      options.onProgress?.({ step: 'copy', done, total, events, bytes })
    }
    return copyLog(draft, logs, tenant, manifests, { ...options, signal }, onSeen)
  }
  const partitions = everyPartition(manifests.partitions)
  if (options.follow === true) return together(partitions, copy, options.signal)
  for (const partition of partitions) await copy(partition, options.signal)
}

/** Where one fails, the others are stopped before that is told. */
async function together(
  partitions: ReadonlyArray<number>,
  copy: (partition: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { signal: stopping, release } = childOf(signal)
  let failure: { readonly error: unknown } | undefined
  const each = partitions.map((partition) =>
    copy(partition, stopping).catch((error) => {
      failure ??= { error }
      release()
    }),
  )
  await Promise.all(each)
  release()
  if (failure !== undefined) throw failure.error
}

async function copyLog(
  report: Draft,
  { source, target }: { readonly source: CopyLog; readonly target: CopyLog },
  tenant: string,
  manifests: Manifests,
  options: Options,
  onSeen: (seen: Seen) => void,
): Promise<void> {
  const { follow = false, signal } = options
  const { limits } = source.side
  const goOn = (): void => {
    if (signal.aborted) throw annalsError('Cancelled', { what: 'the copy' })
  }

  const commits = makeSource(source, tenant)
  const link = await lastCommon(source, target, tenant, await commits.head())
  report.from = link.seq + 1
  report.to = link.seq
  const publishing = makePublishing(target, { tenant, shards: manifests.shards }, link.seq)
  const tell = (): void => {
    const { published: done } = publishing
    onSeen({ done, total: Math.max(done, commits.seen) })
  }
  const check = makeCommitCopier({ tenant, source, target, limits, goOn })
  let isBegun = false
  const beginOnce = async (): Promise<void> => {
    if (!isBegun) await begin(source, target, tenant, manifests)
    isBegun = true
  }

  try {
    for await (const step of commits.after(link, { follow, signal })) {
      const checked = step === 'head' ? undefined : await check(step)
      goOn()
      await beginOnce()
      if (checked === undefined) await publishing.finish()
      else {
        count(report, checked.commit, await checked.write())
        await publishing.add(checked.commit)
      }
      tell()
    }
    goOn()
    await beginOnce()
  } finally {
    // Whatever has happened: what is in the log can be read.
    await publishing.finish()
  }
  tell()
}

const logOf = (side: Side, tenant: string, partition: number): CopyLog => ({
  side,
  log: makeLogReader({ tenant, partition, blobs: side.blobs }),
})

/** The last commit that the destination's readers see of a log, and the last one that the source's see. */
interface Seen {
  readonly done: number
  readonly total: number
}

/** All logs together: `from` and `to` count the commits of all of them. */
function sumOf(drafts: ReadonlyArray<Draft>): Draft {
  const sum = { commits: 0, events: 0, bytes: 0, blobs: 0, from: 1, to: 0 }
  for (const { commits, events, bytes, blobs, from, to } of drafts) {
    sum.commits += commits
    sum.events += events
    sum.bytes += bytes
    sum.blobs += blobs
    sum.from += from - 1
    sum.to += to
  }
  return sum
}

function count(report: Draft, { seq }: Commit, { events, bytes, blobs }: Written): void {
  report.commits++
  report.events += events
  report.bytes += bytes
  report.blobs += blobs
  report.to = seq
}

function verifyDestination(to: Side, tenant: string, { bytes }: CopyReport, options: Options): Promise<VerifyReport> {
  const { signal, onProgress, onDifference } = options
  return atDestination(() =>
    to.verify(tenant, {
      signal,
      onDifference,
      onProgress: (progress) => onProgress?.({ ...progress, step: 'verify', bytes }),
    }),
  )
}
