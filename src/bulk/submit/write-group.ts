/**
 * Writes the lines of a group: one transaction in each log, under a request key that is the group's own. What was written already, by
 * this process or one that died, is found in the log and not written again.
 */
import { ReadBody } from '../../../domain/document.js'
import { type AnnalsError, annalsError, isAnnalsError } from '../../../domain/error.js'
import { outcomeOf } from '../../../domain/fhir/outcome.js'
import { CommitHeaderCodec } from '../../../domain/header.js'
import { applyMergePatch } from '../../../domain/patch/merge-patch.js'
import type { Clock, Ids } from '../../../domain/ports/index.js'
import type { Position } from '../../../domain/position.js'
import { refKey } from '../../../domain/resource.js'
import { mapBounded } from '../../../domain/task.js'
import type { DecisionState, OperationInput, WriteOptions } from '../../api.js'
import type { Limits } from '../../limits.js'
import { patiently } from '../../patience.js'
import { fenceType } from '../../saga/fence.js'
import type { Tenant } from '../../store.js'
import type { SubmissionOptions } from './api.js'
import { type FencedLog, halfKey, isPartOf, stopped, unfencedAll } from './names.js'
import type { Issue, Wanted } from './read-line.js'

export interface WriteDeps {
  readonly tenant: Tenant
  readonly limits: Limits
  readonly clock: Clock
  readonly ids: Ids
  readonly logs: ReadonlyArray<FencedLog>
  readonly options: SubmissionOptions
  /** Transactions of request keys that were there before, log by log. */
  readonly known: ReadonlyArray<ReadonlyMap<string, string>>
  readonly audit: Pick<WriteOptions, 'actor' | 'reason' | 'correlation' | 'causation'>
  readonly signal: AbortSignal
}

/** What became of one that is wanted. */
export interface Effect {
  readonly version: number
  readonly op?: 'create' | 'update' | 'delete'
  readonly transaction?: string
  /** Of the event that was written. */
  readonly position?: Position
  readonly isSkipped?: boolean
  readonly issue?: Issue
}

/** In the order of what is wanted. */
export async function writeGroup(deps: WriteDeps, key: string, wanted: ReadonlyArray<Wanted>): Promise<Effect[]> {
  const effects = new Array<Effect>(wanted.length)
  const byLog = new Map<number, number[]>()
  wanted.forEach(({ type, id }, place) => {
    const partition = deps.tenant.partitionOf(type, id)
    const places = byLog.get(partition)
    if (places === undefined) byLog.set(partition, [place])
    else places.push(place)
  })
  await mapBounded([...byLog], deps.limits.concurrency, async ([partition, places]) => {
    const own = places.map((place) => wanted[place] as Wanted)
    const done = await writeInLog(deps, key, partition, own)
    places.forEach((place, i) => {
      effects[place] = done[i] as Effect
    })
  })
  return effects
}

async function writeInLog(
  deps: WriteDeps,
  key: string,
  partition: number,
  wanted: ReadonlyArray<Wanted>,
): Promise<Effect[]> {
  const known = deps.known[partition]
  const transaction = known?.get(key)
  const log = deps.logs[partition] as FencedLog
  if (transaction !== undefined)
    return withSkipped(deps, wanted, await effectsOf(deps, log.tenant, transaction, wanted))
  // What was halved once is halved again, whatever it would take by now.
  if ([...(known ?? new Map()).keys()].some((each) => isPartOf(each, key)))
    return writeHalves(deps, key, partition, wanted)
  try {
    const write = () => transactIn(deps, log, key, wanted)
    return withSkipped(deps, wanted, await patiently(deps, write))
  } catch (error) {
    if (isFenced(error)) throw stopped()
    if (!isAnnalsError(error) || error._tag !== 'LimitExceeded') throw error
    if (wanted.length > 1) return writeHalves(deps, key, partition, wanted)
    return [{ version: 0, issue: issueOf(error) }]
  }
}

/** What is too much for one transaction is written in two, one after the other. */
async function writeHalves(deps: WriteDeps, key: string, partition: number, wanted: ReadonlyArray<Wanted>) {
  const middle = Math.ceil(wanted.length / 2)
  const first = await writeInLog(deps, halfKey(key, 0), partition, wanted.slice(0, middle))
  return [...first, ...(await writeInLog(deps, halfKey(key, 1), partition, wanted.slice(middle)))]
}

const issueOf = (error: AnnalsError): Issue => ({
  code: outcomeOf(error).issue[0]?.code ?? 'processing',
  diagnostics: error.message,
})

const skipsExisting = ({ mode, allowUpdates = true }: SubmissionOptions): boolean =>
  mode === 'create-only' || !allowUpdates

const exists: Issue = { code: 'duplicate', diagnostics: 'the resource exists, and is not to be updated' }

/** Where existing resources are skipped, a line that has written nothing was skipped. */
const withSkipped = ({ options }: WriteDeps, wanted: ReadonlyArray<Wanted>, effects: ReadonlyArray<Effect>): Effect[] =>
  effects.map((effect, i) =>
    skipsExisting(options) && wanted[i]?.body !== undefined && effect.op === undefined && effect.issue === undefined
      ? { ...effect, isSkipped: true, issue: exists }
      : effect,
  )

const isFenced = (error: unknown): boolean =>
  isAnnalsError(error) && error._tag === 'Conflict' && error.data.conflicts.some(({ type }) => type === fenceType)

async function transactIn(
  deps: WriteDeps,
  log: FencedLog,
  key: string,
  wanted: ReadonlyArray<Wanted>,
): Promise<Effect[]> {
  const isPlain = (deps.options.mode ?? 'create-or-update') === 'create-or-update' && !skipsExisting(deps.options)
  const issues = new Map<number, Issue>()
  const options = { ...deps.audit, request: key }
  const {
    id: transaction,
    results,
    replayed,
  } = await log.tenant.transact(
    isPlain
      ? [...wanted.map(plainOperation), ...unfencedAll(log)]
      : async (state) => {
          issues.clear()
          return [...(await decide(deps, state, wanted, issues)), ...unfencedAll(log)]
        },
    options,
  )
  // Then nothing was decided here.
  if (replayed && transaction !== undefined && !isPlain) return effectsOf(deps, log.tenant, transaction, wanted)
  return wanted.map((_, i): Effect => {
    const { version = 0, changed = false, op, position } = results[i] ?? {}
    const issue = issues.get(i)
    return {
      version,
      ...(changed ? { op, transaction, position } : undefined),
      ...(issue === undefined ? undefined : { issue }),
    }
  })
}

const plainOperation = ({ type, id, body }: Wanted): OperationInput =>
  body === undefined ? { op: 'delete', type, id } : { op: 'update', type, id, body, onlyIfChanged: true }

/** On what is there, and what the lines before it in the same group make of it. */
async function decide(
  deps: WriteDeps,
  state: DecisionState,
  wanted: ReadonlyArray<Wanted>,
  issues: Map<number, Issue>,
): Promise<OperationInput[]> {
  const there = new Map<string, Uint8Array | undefined>()
  const refs = new Map(wanted.map((each) => [refKey(each), each]))
  await mapBounded([...refs], deps.limits.concurrency, async ([ref, { type, id }]) => {
    const found = await state.read(type, id)
    there.set(ref, found?.body)
  })
  return wanted.map((each, i): OperationInput => {
    const { type, id, body } = each
    const before = there.get(refKey(each))
    if (body !== undefined && before !== undefined && skipsExisting(deps.options))
      return { op: 'check', type, id, expect: 'any' }
    const after = body === undefined ? undefined : merged(deps, body, before, i, issues)
    if (body !== undefined && after === undefined) return { op: 'check', type, id, expect: 'any' }
    there.set(refKey(each), after instanceof ReadBody ? after.bytes : after)
    return after === undefined
      ? { op: 'delete', type, id }
      : { op: 'update', type, id, body: after, onlyIfChanged: true }
  })
}

const nothing = Buffer.from('{}')

function merged(
  { options, limits }: WriteDeps,
  body: ReadBody,
  before: Uint8Array | undefined,
  place: number,
  issues: Map<number, Issue>,
): ReadBody | Uint8Array | undefined {
  if (options.mode !== 'merge-patch') return body
  const result = applyMergePatch('the line', body.bytes, before ?? nothing, limits.maxBodyBytes)
  if (result._tag === 'Right') return result.right
  issues.set(place, issueOf(result.left))
  return undefined
}

/** From a transaction that is there: its header says which operations have written nothing, and each other one has an event. */
async function effectsOf(
  deps: WriteDeps,
  log: Tenant,
  transaction: string,
  wanted: ReadonlyArray<Wanted>,
): Promise<Effect[]> {
  const seq = Number(transaction.split('-')[0])
  for await (const { header = '', transactions } of log.commits({ from: seq, to: seq, bodies: false, headers: true })) {
    const events = [...(transactions.find(({ id }) => id === transaction)?.events ?? [])]
    const decoded = CommitHeaderCodec.decode(JSON.parse(header))
    const said = decoded._tag === 'Right' ? decoded.right.transactions.find(({ id }) => id === transaction) : undefined
    const stood = new Map(said?.unchanged?.map(({ operation, version }) => [operation, version]))
    const effects: Effect[] = []
    for (const [operation, each] of wanted.entries()) {
      const unchanged = stood.get(operation)
      if (unchanged === undefined) {
        const { version = 0, op, position } = events.shift() ?? {}
        effects.push({ version, op, transaction, position })
      } else {
        effects.push({ version: unchanged, ...(await issueAgain(deps, log, each, unchanged)) })
      }
    }
    return effects
  }
  throw annalsError('Corrupt', { key: transaction, problem: 'its commit is missing' })
}

/** Why a line has written nothing, if it failed: that is not kept with what the others wrote. `version`: that stood then. */
async function issueAgain(
  deps: WriteDeps,
  log: Tenant,
  { type, id, body }: Wanted,
  version: number,
): Promise<Pick<Effect, 'issue'>> {
  if (body === undefined || deps.options.mode !== 'merge-patch') return {}
  const before = version === 0 ? undefined : (await log.read(type, id, { version }))?.body
  if (before !== undefined && skipsExisting(deps.options)) return {}
  const issues = new Map<number, Issue>()
  merged(deps, body, before, 0, issues)
  const issue = issues.get(0)
  return issue === undefined ? {} : { issue }
}
