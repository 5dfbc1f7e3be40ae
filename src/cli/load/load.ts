/** Loads sources into a tenant: reads, gathers batches, sends them in order, and keeps how far it has come. */
import type { Readable } from 'node:stream'
import type { AnnalsError, Tenant, WriteOptions } from '../../index.js'
import type { IdentityRules } from './identity.js'
import { type Bad, type Found, type Place, type Reading, readSource, type Start, unreadable } from './resources.js'
import { digestWith, fingerprint, type Mark, makeProgressKeeper, noDigest } from './resume.js'
import { makeSaver } from './saver.js'
import { type Counts, makeSender, noCounts } from './sender.js'
import { type Source, sourcesOf } from './sources.js'

export interface LoadOptions {
  readonly stdin: Readable
  readonly signal: AbortSignal
  readonly paths: ReadonlyArray<string>
  readonly rules: IdentityRules
  readonly write: WriteOptions
  /** Stops at the first resource that is not acceptable. */
  readonly strict: boolean
  readonly onBad: (place: Place, error: AnnalsError) => void
  /** `bytes` are those read of the files as they are on disk; `resumed` resources are of earlier runs. */
  readonly onProgress: (counts: Counts, bytes: number, resumed: number) => void
  readonly onNote: (text: string) => void
}

export interface LoadReport {
  readonly counts: Counts
  readonly sources: number
  /** Resources among the counts that earlier, interrupted runs have read. */
  readonly resumed: number
  /** Every source was read to its end. */
  readonly isComplete: boolean
}

/** A batch is one transaction. */
const batchResources = 500
const batchBytes = 2 * 1024 * 1024
/** Longer than a hiccup of the storage: the store repeats a write in doubt for so long. */
const writeTimeoutMs = 5 * 60_000

/** What is gathered for the next batch, and where the load stands behind it. */
interface Gathering {
  found: Found[]
  bytes: number
  counts: Counts
}

const nothing = (): Gathering => ({ found: [], bytes: 0, counts: noCounts() })

export async function load(tenant: Tenant, options: LoadOptions): Promise<LoadReport> {
  const { paths, rules, signal, strict, onBad } = options
  const keeper = paths.includes('-') ? undefined : makeProgressKeeper(tenant, paths, rules)
  const resumption = await keeper?.find()
  const total: Counts = { ...noCounts(), ...resumption?.saved.counts }
  const resumed = total.read
  if (resumption !== undefined) options.onNote(`continuing an interrupted load after its first ${resumed} resources`)
  const saver = makeSaver(keeper, () =>
    options.onNote('another load of the same sources keeps its progress; this one could not be continued'),
  )
  const sender = makeSender<Mark>({
    tenant,
    write: { ...options.write, timeoutMs: writeTimeoutMs },
    onBad: ({ place }, error) => {
      onBad(place, error)
      return !strict
    },
    onAcknowledged: ({ counts, mark }) => {
      add(total, counts)
      saver.reached(mark, total)
    },
  })
  let gathering = nothing()
  let mark: Mark | undefined
  let isStopped = false
  let sources = 0
  let readBytes = 0

  const shouldStop = (): boolean => isStopped || sender.stopped || signal.aborted

  async function flush(): Promise<void> {
    if (mark === undefined || gathering.counts.read === 0) return
    const { found, counts } = gathering
    gathering = nothing()
    await sender.send({ found, counts, mark })
  }

  async function take(each: Found | Bad, at: Mark): Promise<void> {
    if ('error' in each) {
      onBad(each.place, each.error)
      // The mark stays before it, so that the next run meets it again.
      isStopped ||= strict
      if (isStopped) return
      gathering.counts.failed++
    }
    gathering.counts.read++
    mark = markBehind(each.place, at, mark)
    if ('error' in each) return
    gathering.found.push(each)
    gathering.bytes += each.body.length
    if (gathering.found.length >= batchResources || gathering.bytes >= batchBytes) await flush()
  }

  async function readAll(reading: Reading, at: Mark): Promise<void> {
    for await (const some of reading.resources) {
      for (const each of some) {
        await take(each, at)
        if (shouldStop()) return
      }
      options.onProgress(total, readBytes + reading.consumed(), resumed)
    }
  }

  async function loadSource(source: Source, start: Start | undefined, at: Omit<Mark, 'format'>): Promise<void> {
    let reading: Reading | undefined
    try {
      reading = await readSource(source, rules, options.stdin, start)
    } catch (error) {
      return take(unreadable(source.name, 1, error), { ...at, format: 'lines' })
    }
    try {
      await readAll(reading, { ...at, format: reading.format })
    } finally {
      reading.close()
    }
  }

  async function loadSources(): Promise<void> {
    let digest = noDigest
    for await (const source of sourcesOf(paths)) {
      const isDone = resumption !== undefined && sources < resumption.finished
      if (!isDone) {
        const start = sources === resumption?.finished ? resumption.start : undefined
        const at = { done: false, finished: sources, digest, source: fingerprint(source), offset: 0, line: 0 }
        await loadSource(source, start, at)
        if (shouldStop()) return
      }
      sources++
      readBytes += source.file?.size ?? 0
      digest = digestWith(digest, source)
    }
  }

  try {
    await loadSources()
    await flush()
    await sender.drain()
  } catch (error) {
    await saver.end(false).catch(() => undefined)
    throw error
  }
  const isComplete = !shouldStop()
  await saver.end(isComplete)
  for (const counts of sender.unacknowledged()) add(total, counts)
  if (isStopped) add(total, { ...noCounts(), read: 1, failed: 1 })
  return { counts: total, sources, resumed, isComplete }
}

/** A place without an end (a source that could not be read) moves nothing. Lines are counted only where they are known. */
function markBehind(place: Place, at: Mark, before: Mark | undefined): Mark {
  if (place.end > 0) return { ...at, offset: place.end, line: place.locate === undefined ? place.line : 0 }
  return before?.source === at.source ? before : at
}

function add(to: Counts, from: Counts): void {
  to.read += from.read
  to.created += from.created
  to.updated += from.updated
  to.unchanged += from.unchanged
  to.failed += from.failed
}
