/**
 * The writer of one log in one process: takes what waits, decides it, creates the next commit, publishes it and
 * acknowledges (design: the commit protocol; rules by their number).
 *
 * Creating commit n+1 overlaps with publishing commit n; everything else happens one at a time.
 */
import * as E from 'fp-ts/lib/Either.js'
import { backOff } from '../../domain/backoff.js'
import { type ChainLink, linkOf } from '../../domain/commit.js'
import { type BatchDecision, type Current, type Decision, decide, type Transaction } from '../../domain/decide.js'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'
import { formatInstant } from '../../domain/instant.js'
import { blobKey, headPk, headSk } from '../../domain/keys.js'
import { headFromItem } from '../../domain/pointer.js'
import type { BlobStore, Clock, Doorbell, Ids, PointerStore } from '../../domain/ports/index.js'
import { formatPosition } from '../../domain/position.js'
import { mapBounded, run } from '../../domain/task.js'
import type { StoreActivity } from '../api.js'
import type { Limits } from '../limits.js'
import type { LogReader } from '../read/log-reader.js'
import type { Matching } from '../read/matching.js'
import type { Reader } from '../read/reader.js'
import type { Baton } from './baton.js'
import { createCommit } from './create-commit.js'
import { type EncodedCommit, encodeBatch } from './encode.js'
import { loadStates } from './load-states.js'
import { makePublisher } from './publisher.js'
import { makeQueue, type Waiting } from './queue.js'
import { refusal, resultOf, type TransactionResult } from './result.js'
import { changesOf, makeStates } from './states.js'

export interface LogWriter {
  /** Resolves when the transaction is visible to every reader, or with the reason why it is not. */
  submit(
    transaction: Transaction,
    options?: { readonly timeoutMs?: number },
  ): Promise<E.Either<AnnalsError, TransactionResult>>
  /** What it has written, and what waits to be. */
  activity(): Omit<StoreActivity, 'tenants'>
  /** Finishes what was accepted, within the limit, and stops. */
  close(): Promise<void>
}

export interface LogWriterDeps {
  readonly tenant: string
  readonly shards: number
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly doorbell: Doorbell
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  readonly log: LogReader
  readonly reader: Reader
  readonly matching: Matching
  /** `{host}:{pid}:{random}` */
  readonly writer: string
  readonly makeBaton: (signal: AbortSignal, onWait: () => void) => Baton
}

/** A transaction of the batch in hand, and what was decided of it. */
interface Decided {
  readonly waiting: Waiting
  readonly decision: Decision
}

/** Foreign commits that a writer reads one by one before it looks whether the head is far ahead. */
const stepsBeforeSkipping = 4

export function makeLogWriter(deps: LogWriterDeps, start: ChainLink): LogWriter {
  const { tenant, clock, ids, limits, log, pointers, blobs } = deps
  const { partition } = log
  const stop = new AbortController()
  const baton = deps.makeBaton(stop.signal, () => expireUnwritten(annalsError('Unavailable', turnIsLate)))
  const states = makeStates(limits.cachedStates)
  const queue = makeQueue(limits, clock)
  const publisher = makePublisher({ ...deps, partition, log: log.name, pause })
  const allPublished = (): Promise<void> => publisher.room(0)
  const loadDeps = { ...deps, states, head: () => head, catchUp, allPublished }
  let head = start
  let creating = false
  let batch: Waiting[] = []
  /** Who waits for which commit to become visible. */
  const publishing = new Map<number, ReadonlyArray<Decided>>()
  let working: Promise<void> | undefined
  let closed = false
  let commits = 0
  let events = 0

  function submit(
    transaction: Transaction,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<E.Either<AnnalsError, TransactionResult>> {
    if (closed) return Promise.resolve(E.left(annalsError('Cancelled', { what: 'the write' })))
    const timeoutMs = options.timeoutMs ?? limits.writeTimeoutMs
    const result = queue.add(transaction, clock.now() + timeoutMs * 1000)
    working ??= work()
    return result
  }

  async function work(): Promise<void> {
    await undefined
    while (queue.length > 0 && !stop.signal.aborted) {
      batch = queue.take()
      await commitOrFail()
      batch = []
      await endTurn()
    }
    working = undefined
  }

  /** Passing the baton costs requests, so a turn may hold several commits: callers who hear of theirs ask for the next. */
  async function endTurn(): Promise<void> {
    if (baton.turnLasts() && queue.length === 0) {
      await allPublished().catch(() => undefined)
      await clock.sleep(0)
    }
    if (queue.length > 0 && baton.turnLasts()) return
    // Who comes next looks at the head.
    if (baton.isHeld()) await allPublished().catch(() => undefined)
    await baton.release()
  }

  /** Trouble that may pass is waited out, as long as there is a caller who still waits. */
  async function commitOrFail(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await publisher.room(1)
        return await commitBatch()
      } catch (error) {
        const passing = isAnnalsError(error) && error._tag === 'Unavailable'
        if (passing && (await pause(attempt, error)) && batch.some((waiting) => !waiting.settled)) continue
        for (const waiting of batch) {
          if (isAnnalsError(error)) waiting.settle(E.left(error))
          else waiting.fail(error)
        }
        return
      }
    }
  }

  /** Brings the batch in hand into the log, however many races that takes. */
  async function commitBatch(): Promise<void> {
    for (let races = 0; ; races++) {
      // A turn that was waited for begins behind what others have written: a number that is taken costs a request.
      if (await baton.acquire(races > 0)) await skipTo(await visibleHead())
      const loaded = await loadStates(
        loadDeps,
        batch.filter((waiting) => !waiting.settled),
      )
      for (const { waiting, result } of loaded.replays) waiting.settle(result)
      // Who was told meanwhile that nothing was written is held to it.
      batch = loaded.undecided.filter((waiting) => !waiting.settled)
      if (batch.length === 0) return
      const place = { seq: head.seq + 1, at: nextInstant() }
      const decided = decide(
        batch.map((waiting) => waiting.transaction),
        place,
        loaded.state,
      )
      if (await settleBatch(decided, place.at)) return
      await catchUp()
    }
  }

  /** Answers false when the decision was made on a state that another writer's commit has made old. */
  async function settleBatch({ decisions, changes }: BatchDecision, at: number): Promise<boolean> {
    const decided = batch.map((waiting, i): Decided => ({ waiting, decision: decisions[i] as Decision }))
    if (!decided.some(({ decision }) => decision.kind === 'accepted' && decision.events.length > 0)) {
      // Rule 1: a rejection, too, needs a state that includes every commit.
      if ((await log.open(head.seq + 1)) !== undefined) return false
      await allPublished()
      for (const { waiting, decision } of decided) waiting.settle(resultOf(decision, head, partition, undefined))
      return true
    }
    const encoded = encode(decided, at)
    creating = true
    try {
      await storeBlobs(encoded)
      if ((await createCommit({ blobs, log, pause }, encoded)) === 'lost') return false
    } finally {
      creating = false
    }
    won(decided, encoded, changes)
    return true
  }

  /** Strictly after the head's instant, which may be a little ahead of this clock. */
  function nextInstant(): number {
    const now = clock.now()
    if (head.at <= now + limits.maxClockSkewMs * 1000) return Math.max(now, head.at + 1)
    const [headAt, at] = [formatInstant(head.at), formatInstant(now)]
    throw annalsError('ClockSkew', { log: log.name, headAt, now: at, allowedMs: limits.maxClockSkewMs })
  }

  function encode(decided: ReadonlyArray<Decided>, at: number): EncodedCommit {
    const transactions = decided.flatMap(({ waiting, decision }) =>
      decision.kind === 'accepted' && decision.events.length > 0
        ? [{ transaction: waiting.transaction, events: decision.events, effects: decision.effects }]
        : [],
    )
    const { maxInlineBytes } = limits
    return encodeBatch({ log: log.name, head, id: ids.uuid(), writer: deps.writer, at, transactions, maxInlineBytes })
  }

  async function storeBlobs({ blobs: large }: EncodedCommit): Promise<void> {
    await mapBounded([...large], limits.concurrency, async ([hash, bytes]) => {
      await run(blobs.createIfAbsent(blobKey(tenant, hash), bytes))
    })
  }

  function won(
    decided: ReadonlyArray<Decided>,
    { commit }: EncodedCommit,
    changes: ReadonlyMap<string, Current>,
  ): void {
    head = linkOf(commit)
    commits += 1
    for (const { decision } of decided) if (decision.kind === 'accepted') events += decision.events.length
    states.apply(commit, partition, changes)
    publishing.set(commit.seq, decided)
    const settle = (answer: (one: Decided, place: number) => E.Either<AnnalsError, TransactionResult>): void => {
      decided.forEach((one, place) => {
        one.waiting.settle(answer(one, place))
      })
      publishing.delete(commit.seq)
    }
    const places = placesOf(decided)
    publisher.publish({
      commit,
      done: () => {
        states.published(commit.seq)
        settle(({ decision }, i) => resultOf(decision, commit, partition, places[i]))
      },
      failed: (error) => settle(({ decision }) => E.left(unseen(decision, commit.seq, error))),
    })
  }

  /** Reads every commit beyond the head, applies it and helps to publish it (rule 5). */
  async function catchUp(): Promise<void> {
    let steps = 0
    let visible = await visibleHead()
    for await (const { commit } of log.follow(head, { width: 1 })) {
      head = linkOf(commit)
      states.apply(commit, partition, changesOf(commit, partition))
      if (commit.seq <= visible.seq) states.published(commit.seq)
      else publisher.publish({ commit, done: () => states.published(commit.seq), failed: () => undefined })
      if (++steps % stepsBeforeSkipping === 0) {
        await publisher.room(1)
        visible = await visibleHead()
        if (visible.seq > head.seq + stepsBeforeSkipping) break
      }
    }
    if (await skipTo(visible)) await catchUp()
  }

  /** Rule 1: the pointers stand for every commit up to their head, so these need not be read. */
  async function skipTo(visible: ChainLink): Promise<boolean> {
    if (visible.seq <= head.seq) return false
    await allPublished()
    head = visible
    states.skip()
    return true
  }

  async function visibleHead(): Promise<ChainLink> {
    const item = await run(pointers.get(headPk(tenant, partition), headSk))
    if (item === undefined)
      throw annalsError('NeedsRecovery', { log: log.name, problem: 'the head disappeared from the pointer store' })
    return headFromItem(item)
  }

  /** Waits between two tries. Callers that are out of time are told what is known of their write. */
  async function pause(attempt: number, cause: AnnalsError): Promise<boolean> {
    const unknown = annalsError('OutcomeUnknown', { log: log.name, seq: head.seq + 1, cause: cause.message })
    for (const [seq, decided] of publishing)
      for (const { waiting, decision } of decided) expire([waiting], unseen(decision, seq, cause))
    if (creating) expire(batch, unknown)
    expireUnwritten(cause)
    if (!stop.signal.aborted) await backOff(clock, ids, attempt, stop.signal)
    return !stop.signal.aborted
  }

  /** Those of whom nothing can have been written. */
  function expireUnwritten(cause: AnnalsError): void {
    if (!creating) expire(batch, cause)
    queue.expire(cause)
  }

  function expire(waiting: ReadonlyArray<Waiting>, error: AnnalsError): void {
    const now = clock.now()
    for (const one of waiting) if (one.deadline <= now) one.settle(E.left(error))
  }

  /** What is known of a decision that may not be visible yet: only events are durable. */
  function unseen(decision: Decision, seq: number, cause: AnnalsError): AnnalsError {
    if (decision.kind !== 'accepted') return refusal(decision)
    if (decision.events.length === 0) return cause
    return annalsError('Unpublished', { position: formatPosition({ partition, seq, index: 0 }), cause: cause.message })
  }

  async function close(): Promise<void> {
    closed = true
    const finished = (async () => {
      await working
      await publisher.room(0).catch(() => undefined)
    })()
    const patience = new AbortController()
    await Promise.race([finished, clock.sleep(limits.closeTimeoutMs, patience.signal)])
    patience.abort()
    stop.abort()
    await finished
    const cancelled = E.left(annalsError('Cancelled', { what: 'the write' }))
    while (queue.length > 0) for (const waiting of queue.take()) waiting.settle(cancelled)
  }

  const activity = () => ({ waiting: queue.length, waitingBytes: queue.bytes, commits, events })

  return { submit, activity, close }
}

const turnIsLate = { operation: 'write', key: 'log', cause: 'other writers of this log took too long' }

/** The index that each transaction with events has in its commit. */
function placesOf(decided: ReadonlyArray<Decided>): ReadonlyArray<number | undefined> {
  let next = 0
  return decided.map(({ decision }) =>
    decision.kind === 'accepted' && decision.events.length > 0 ? next++ : undefined,
  )
}
