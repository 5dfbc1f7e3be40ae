/**
 * Runs an export to its end: one pass over each log, from the end of the snapshot backwards, in which every commit is fetched once and
 * the bodies of current versions are copied as they are stored. Now and then, at places that depend on nothing but the log, all
 * that is open is written and the state says so; whoever goes on from there writes the same as if nothing had happened.
 */
import { objectLength } from '../../../domain/commit.js'
import { annalsError } from '../../../domain/error.js'
import type { Outcome } from '../../../domain/fhir/outcome.js'
import type { Clock } from '../../../domain/ports/index.js'
import type { Limits } from '../../limits.js'
import type { Named } from '../../read/back.js'
import { missingCommit, type OpenCommit } from '../../read/log-reader.js'
import type { ExportPart, ExportProgress } from './api.js'
import { bodiesIn } from './bodies.js'
import { type Deletions, errorLine, lineOf, makeDeletions } from './lines.js'
import { makeParts, type Parts, type Sink } from './parts.js'
import type { Selection } from './selection.js'
import type { ExportedLog } from './snapshot.js'
import type { Journal, LogEnd, StoredExport } from './state.js'
import { type Met, makeVersions, type Versions } from './versions.js'

export interface RunDeps {
  readonly clock: Clock
  readonly limits: Limits
  readonly journal: Journal
  readonly logs: ReadonlyArray<ExportedLog>
  readonly sink: Sink
  readonly selection: Selection
  /** Hears how far it has come, and of each part that is there. */
  readonly onProgress: (progress: ExportProgress) => void
  readonly onPart: (part: ExportPart) => void
  readonly signal: AbortSignal
}

/** A commit costs a request, however small it is: it counts as so many bytes at least. */
const leastBytes = 64 * 1024
/** Of all that was read, the part that may have to be read again. */
const checkpointPart = 1 / 16

/** From the last checkpoint to the end: all parts are written, and the state has to be moved. Throws `Cancelled` if it is no longer this run's. */
export async function runExport(deps: RunDeps, begun: StoredExport): Promise<StoredExport> {
  const { logs, sink, selection, onPart } = deps
  const parts = makeParts(sink, begun.bounds, begun.parts, onPart)
  const deletions = makeDeletions(parts)
  const keeper = makeKeeper(deps, begun, parts, deletions)
  try {
    for (const [i, from] of logs.entries()) {
      if (i < begun.place.log) continue
      const end = begun.ends[i] as LogEnd
      const versions = makeVersions(from.log, (event, at) => selection.deletion(event, at) === 'by-body')
      const seq = i === begun.place.log ? begun.place.seq : end.seq
      await exportLog({ ...deps, from, versions, parts, deletions, keeper, number: i }, begun, end, seq)
    }
    for (const outcome of begun.request.outcomes)
      await parts.add('error', undefined, lineOf(outcome as unknown as Outcome))
    await deletions.flush()
    await parts.flush()
    return { ...begun, progress: keeper.progress(), parts: parts.lists(), read: keeper.read() }
  } finally {
    await parts.settle()
  }
}

interface LogRun extends RunDeps {
  readonly from: ExportedLog
  /** Which of the logs. */
  readonly number: number
  readonly versions: Versions
  readonly parts: Parts
  readonly deletions: Deletions
  readonly keeper: Keeper
}

/** `seq`: the next commit to be read. */
async function exportLog(run: LogRun, { request }: StoredExport, end: LogEnd, seq: number): Promise<void> {
  const { from, versions, keeper, signal, number } = run
  const { since = Number.NEGATIVE_INFINITY } = request
  const checkStopped = (): void => {
    if (signal.aborted) throw annalsError('Cancelled', { what: 'the export' })
  }
  let next: Named = end
  // What was named before the checkpoint is read from the headers again.
  if (seq < end.seq)
    for await (const { commit } of from.log.back(end, { to: seq + 1 })) {
      checkStopped()
      versions.meet(commit)
      next = { seq: commit.seq - 1, hash: commit.header.prev }
    }
  for await (const opened of from.log.back(next, { whole: true })) {
    checkStopped()
    if (opened.commit.at < since) return takeUnmet(run)
    await take(run, opened, versions.meet(opened.commit))
    await keeper.passed(Math.max(leastBytes, objectLength(opened.commit)), { log: number, seq: opened.commit.seq - 1 })
  }
  versions.end()
}

/** What counts of the events of a commit goes out. */
async function take(run: LogRun, opened: OpenCommit, met: ReadonlyArray<Met>): Promise<void> {
  const { from, limits, parts, deletions, selection, keeper } = run
  const { at } = opened.commit
  const wanted: Met[] = []
  for (const each of met) {
    const { event, kind } = each
    if (kind === 'deletion') {
      if (selection.deletion(event, at) === 'yes') await deletions.add(event)
    } else if (kind === 'before' || selection.verdict(event, at) !== 'no') wanted.push(each)
  }
  for await (const { met, body } of bodiesIn(from, limits, opened, wanted)) {
    const { event, kind } = met
    let waiting: Promise<void> | undefined
    if ('failure' in body) waiting = parts.add('error', undefined, errorLine(body.failure))
    else if (kind === 'before')
      waiting = selection.selects(event, undefined, body.bytes) ? deletions.add(event) : undefined
    else if (selection.verdict(event, at) === 'yes' || selection.selects(event, at, body.bytes)) {
      const line = selection.line(event, body.bytes)
      keeper.exported(line.length + 1)
      waiting = parts.add('output', event.type, line)
    }
    if (waiting !== undefined) await waiting
  }
}

/** With `since`, what stood before a deletion may be older: such versions are read one by one, their commits once each. */
async function takeUnmet(run: LogRun): Promise<void> {
  const { from, versions } = run
  const unmet = versions.unmet()
  for (let i = 0; i < unmet.length; ) {
    const seq = (unmet[i] as { seq: number }).seq
    const opened = await from.log.open(seq)
    if (opened === undefined) throw missingCommit(from.log, seq)
    const events = opened.commit.header.transactions.flatMap((transaction) => transaction.events)
    const met: Met[] = []
    for (; unmet[i]?.seq === seq; i++) {
      const { index } = unmet[i] as { index: number }
      const event = events[index]
      if (event !== undefined && event.op !== 'delete') met.push({ event, index, kind: 'before' })
    }
    await take(run, opened, met)
  }
}

interface Keeper {
  /** A line went out. */
  exported(bytes: number): void
  /** A commit was read, of so many bytes; next comes that of `place`. */
  passed(bytes: number, place: StoredExport['place']): Promise<void>
  progress(): StoredExport['progress']
  read(): number
}

/** Counts, and moves the state where enough was read since it was moved. */
function makeKeeper(
  { journal, clock, onProgress }: RunDeps,
  begun: StoredExport,
  parts: Parts,
  deletions: Deletions,
): Keeper {
  const { id, epoch, bounds } = begun
  const progress = { ...begun.progress }
  let { read } = begun
  let kept = read

  async function keep(place: StoredExport['place']): Promise<void> {
    await deletions.flush()
    await parts.flush()
    const moved = await journal.move(id, (state) =>
      state.state === 'in-progress' && state.epoch === epoch
        ? { ...state, place, read, progress: { ...progress }, parts: parts.lists(), movedAt: clock.now() }
        : undefined,
    )
    if (moved?.moved !== true) throw annalsError('Cancelled', { what: 'the export' })
    kept = read
  }

  return {
    exported(bytes) {
      progress.resources++
      progress.bytes += bytes
    },
    async passed(bytes, place) {
      progress.commits++
      read += bytes
      onProgress({ ...progress })
      if (read - kept >= Math.max(bounds.checkpointBytes, kept * checkpointPart)) await keep(place)
    },
    progress: () => ({ ...progress }),
    read: () => read,
  }
}
