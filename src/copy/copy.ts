/**
 * Copies the log of a tenant into another store, commit by commit, from the first one that is missing there.
 *
 * Numbers are created strictly in order, and each commit with its large bodies is checked before anything of it is written:
 * wherever a copy ends, the destination is an earlier, valid state of the source. Publishing a commit overlaps with copying
 * the next one. Memory holds some 16 MiB that are read ahead, one commit, and its large bodies by the group.
 */
import type { Commit } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { withinGrace } from '../../projections/stopping.js'
import type { VerifyReport } from '../api.js'
import { makeLogReader } from '../read/log-reader.js'
import type { CopyOptions, CopyReport } from './api.js'
import { begin, checkManifests, lastCommon } from './beginning.js'
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
  const report: Draft = { commits: 0, events: 0, bytes: 0, blobs: 0, from: 1, to: 0 }
  const copying = copyAll(report, from, to, tenant, { ...options, signal })
  const isDone = await from.during(to.during(untilStopped(copying, from, signal)))
  if (isDone || (follow && options.signal?.aborted === true)) return { ...report }
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

async function copyAll(report: Draft, from: Side, to: Side, tenant: string, options: Options): Promise<void> {
  const { follow = false, signal, onProgress } = options
  const { clock, ids, limits } = from
  const patience = { clock, ids, forMs: limits.writeTimeoutMs, signal }
  const source = logOf(patient(from, patience), tenant)
  const target = logOf(patient(to, patience), tenant)
  const goOn = (): void => {
    if (signal.aborted) throw annalsError('Cancelled', { what: 'the copy' })
  }

  const manifests = await checkManifests(source, target, tenant)
  const commits = makeSource(source, tenant)
  const link = await lastCommon(source, target, tenant, await commits.head())
  report.from = link.seq + 1
  report.to = link.seq
  const publishing = makePublishing(target, { tenant, shards: manifests.shards }, link.seq)
  const tell = (): void => {
    const { published: done } = publishing
    onProgress?.({
      step: 'copy',
      done,
      total: Math.max(done, commits.seen),
      events: report.events,
      bytes: report.bytes,
    })
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
  if (options.verify === true) report.verified = await verifyDestination(to, tenant, report, options)
}

const logOf = (side: Side, tenant: string): CopyLog => {
  const { partition, blobs } = side
  return { side, log: makeLogReader({ tenant, partition, blobs }) }
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
