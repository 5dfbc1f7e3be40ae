/**
 * Writes that are planned on a state: planned anew as long as others change that state before the plan is written.
 * Each round that fails is another's success, so somebody always gets on.
 */
import { sha256 } from '../../domain/commit.js'
import type { Transaction } from '../../domain/decide.js'
import { annalsError } from '../../domain/error.js'
import { requestPk, requestSk } from '../../domain/keys.js'
import type { Clock, PointerStore } from '../../domain/ports/index.js'
import { orThrow, run } from '../../domain/task.js'
import type { WriteOptions } from '../api.js'
import type { Limits } from '../limits.js'
import type { LogReader } from '../read/log-reader.js'
import type { LogWriter } from './log-writer.js'
import type { TransactionResult } from './result.js'

export interface PlannedDeps {
  readonly log: LogReader
  readonly writer: LogWriter
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly limits: Limits
}

export interface PlannedWrite {
  /** What it is, in errors. */
  readonly name: string
  /** What identifies the request, whatever is planned. Asked for where there is a request key. */
  digest(): string
  plan(): Promise<Plan>
}

export type Plan = Omit<Transaction, 'request'>

export interface PlannedResult {
  readonly result: TransactionResult
  /** What was written; absent where this is the answer to an earlier call. */
  readonly plan?: Plan
}

export async function writePlanned(
  deps: PlannedDeps,
  { name, digest, plan }: PlannedWrite,
  { request: key, timeoutMs = deps.limits.writeTimeoutMs }: WriteOptions,
): Promise<PlannedResult> {
  const { writer, clock } = deps
  const deadline = clock.now() + timeoutMs * 1000
  const request = key === undefined ? undefined : { key, digest: digest() }
  const submit = (transaction: Transaction) =>
    writer.submit(transaction, { timeoutMs: Math.max(0, Math.ceil((deadline - clock.now()) / 1000)) })
  // On the state that an earlier call with this key left behind, the plan may fail.
  if (request !== undefined && (await isKnown(deps, request.key))) {
    const result = orThrow(await submit({ operations: [], request }))
    if (result.replayed) return { result }
  }
  for (let plans = 1; ; plans++) {
    const planned = await plan()
    const answer = await submit({ ...planned, request })
    if (answer._tag === 'Right' || answer.left._tag !== 'Contended') {
      const result = orThrow(answer)
      return result.replayed ? { result } : { result, plan: planned }
    }
    if (clock.now() >= deadline) throw annalsError('Contended', { what: name, plans })
  }
}

const isKnown = async ({ log, pointers }: PlannedDeps, key: string): Promise<boolean> =>
  (await run(pointers.get(requestPk(log, sha256(key)), requestSk))) !== undefined
