/** Gathers what a batch has to know before it is decided: the last versions it touches, and answers given before. */
import * as E from 'fp-ts/lib/Either.js'
import { type ChainLink, sha256 } from '../../domain/commit.js'
import type { Current, State } from '../../domain/decide.js'
import { annalsError } from '../../domain/error.js'
import { requestPk, requestSk } from '../../domain/keys.js'
import { type Receipt, receiptFromItem } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { type ResourceRef, refKey } from '../../domain/resource.js'
import type { Selection } from '../../domain/selection.js'
import { mapBounded, run } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import type { LogReader } from '../read/log-reader.js'
import type { Matching } from '../read/matching.js'
import type { Reader } from '../read/reader.js'
import type { Settled, Waiting } from './queue.js'
import { replay } from './replay.js'
import { absent, currentOf, type States } from './states.js'

export interface LoadDeps {
  readonly tenant: string
  readonly pointers: PointerStore
  readonly reader: Reader
  readonly matching: Matching
  readonly log: LogReader
  readonly limits: Limits
  readonly states: States
  readonly head: () => ChainLink
  readonly catchUp: () => Promise<void>
  /** Resolves when every commit up to the head is visible to readers. */
  readonly allPublished: () => Promise<void>
}

export interface Loaded {
  readonly replays: ReadonlyArray<{ readonly waiting: Waiting; readonly result: Settled }>
  readonly undecided: Waiting[]
  readonly state: State
}

export async function loadStates(deps: LoadDeps, batch: ReadonlyArray<Waiting>): Promise<Loaded> {
  const { seq } = deps.head()
  const { replays, undecided } = await separateReplays(deps, batch)
  if (deps.head().seq > seq) {
    // A replay has moved the head: what had no receipt below the old one may have one now (rule 1).
    const later = await loadStates(deps, undecided)
    return { ...later, replays: [...replays, ...later.replays] }
  }
  const known = new Map<string, Current>()
  const wanted = new Map<string, { ref: ResourceRef; body: boolean }>()
  const want = (ref: ResourceRef, withBody: boolean): void => {
    const key = refKey(ref)
    const body = withBody || wanted.get(key)?.body === true
    const state = deps.states.get(key)
    if (state !== undefined && (!body || state.deleted || state.version === 0 || state.body !== undefined))
      known.set(key, state)
    else wanted.set(key, { ref, body })
  }
  for (const { transaction } of undecided) {
    for (const premise of transaction.premises ?? []) want(premise, false)
    for (const operation of transaction.operations) {
      if (operation.kind === 'put' && operation.idAssigned) continue
      want(operation, operation.kind === 'put' && operation.onlyIfChanged)
    }
  }
  if ([...wanted.keys()].some((key) => deps.states.isPinned(key))) await deps.allPublished()
  await mapBounded([...wanted], deps.limits.concurrency, async ([key, { ref, body }]) => {
    known.set(key, await load(deps, key, ref, body))
  })
  const selected = await loadSelected(deps, undecided)
  return {
    replays,
    undecided,
    state: {
      current: (key) => {
        const current = known.get(key)
        return current === undefined || current.version === 0 ? undefined : current
      },
      selected: (selection) => selected.get(selection) ?? selection.ids,
    },
  }
}

/** What the conditions select at this head, of selections that were made at another one. */
async function loadSelected(
  deps: LoadDeps,
  batch: ReadonlyArray<Waiting>,
): Promise<ReadonlyMap<Selection, ReadonlyArray<string>>> {
  const { seq } = deps.head()
  const old = batch.flatMap(({ transaction }) => transaction.selections ?? []).filter((each) => each.seq !== seq)
  const found = new Map<Selection, ReadonlyArray<string>>()
  if (old.length === 0) return found
  // What the index does not hold yet cannot be found by it.
  await deps.allPublished()
  await mapBounded(old, deps.limits.concurrency, async (selection) => {
    const matches = await deps.matching.match(selection.condition, { seq })
    found.set(
      selection,
      matches.map(({ pointer }) => pointer.id),
    )
  })
  return found
}

async function load(deps: LoadDeps, key: string, ref: ResourceRef, body: boolean): Promise<Current> {
  const pointer = await deps.reader.versionWithin(ref, { seq: deps.head().seq })
  const current = pointer === undefined ? absent : currentOf(pointer)
  deps.states.learn(key, current)
  if (pointer === undefined || !body || current.deleted) return current
  return { ...current, body: await deps.reader.body(pointer) }
}

async function separateReplays(
  deps: LoadDeps,
  batch: ReadonlyArray<Waiting>,
): Promise<{ replays: Array<{ waiting: Waiting; result: Settled }>; undecided: Waiting[] }> {
  const replays: Array<{ waiting: Waiting; result: Settled }> = []
  if (batch.every(({ transaction }) => transaction.request === undefined)) return { replays, undecided: [...batch] }
  const undecided: Waiting[] = []
  for (const waiting of batch) {
    const { request } = waiting.transaction
    const receipt = request && (await findReceipt(deps, request.key))
    if (receipt === undefined) undecided.push(waiting)
    else replays.push({ waiting, result: await answerAgain(deps, waiting, receipt) })
  }
  return { replays, undecided }
}

async function findReceipt(deps: LoadDeps, key: string): Promise<Receipt | undefined> {
  const requestHash = sha256(key)
  const pinned = deps.states.receipt(requestHash)
  if (pinned !== undefined) return pinned
  const item = await run(deps.pointers.get(requestPk(deps.log, requestHash), requestSk))
  return item && receiptFromItem(item)
}

async function answerAgain(deps: LoadDeps, waiting: Waiting, receipt: Receipt): Promise<Settled> {
  const { transaction } = waiting
  if (receipt.digest !== transaction.request?.digest)
    return E.left(annalsError('RequestKeyReused', { position: `${receipt.seq}-${receipt.transaction}` }))
  // The receipt may be ahead of this writer's head: its answer has to be visible before it is given.
  if (receipt.seq > deps.head().seq) await deps.catchUp()
  await deps.allPublished()
  return E.right(await replay(deps.log, deps.reader, receipt))
}
