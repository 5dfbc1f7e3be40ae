/**
 * The journal of a saga: its plan, written once, and its state, which moves by compare-and-set. The decision to compensate
 * is a move of the state, so it is made once, and before the first compensation.
 */
import { Buffer } from 'node:buffer'
import type { OnConflict } from '../../domain/compensation.js'
import { annalsError } from '../../domain/error.js'
import { sagaPlanKey, sagaStateKey } from '../../domain/keys.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { OperationInput } from '../api.js'
import type { SagaState, StepOutcome } from './api.js'
import type { Place, PlacedStep } from './places.js'

const format = 'annals-saga/1'

export interface SagaPlan {
  readonly format: string
  readonly id: string
  /** Of what the caller said: the same saga has the same. */
  readonly digest: string
  /** The head of each log at the beginning: what the saga wrote stands behind it. */
  readonly heads: Readonly<Record<string, number>>
  readonly concurrency: number
  /** Microseconds since 1970: when steps are no longer tried. */
  readonly until: number
  readonly actor?: string
  readonly reason?: string
  readonly onConflict: OnConflict
  readonly steps: ReadonlyArray<PlacedStep>
}

/** `steps` are said once the saga has ended; `why`: what made each step fail. */
export interface SagaProgress {
  readonly format: string
  readonly state: SagaState
  readonly why?: Readonly<Record<number, string>>
  readonly steps?: ReadonlyArray<StepOutcome>
}

export interface Journal {
  readPlan(id: string): Promise<SagaPlan | undefined>
  /** Answers the plan that is there. */
  writePlan(plan: Omit<SagaPlan, 'format'>): Promise<SagaPlan>
  readState(id: string): Promise<SagaProgress>
  /** Moves the state from `from`; answers the state that then stands, whoever moved it. */
  move(id: string, from: SagaState, to: Omit<SagaProgress, 'format'>): Promise<SagaProgress>
}

/** Bodies as they are stored: base64 keeps every byte. */
export const packed = (steps: ReadonlyArray<PlacedStep>): string[] =>
  steps.map(({ tenant, partition, operations }) =>
    JSON.stringify({ tenant, partition, operations: operations.map(packOperation) }),
  )

function packOperation(operation: OperationInput): unknown {
  if (!('body' in operation)) return operation
  const { body } = operation
  const bytes = body instanceof Uint8Array ? body : typeof body === 'string' ? body : JSON.stringify(body)
  return { ...operation, body: Buffer.from(bytes as string).toString('base64') }
}

function unpackStep(line: string): PlacedStep {
  const { operations, ...place } = JSON.parse(line) as Place & { operations: OperationInput[] }
  const unpack = (operation: OperationInput): OperationInput =>
    'body' in operation ? { ...operation, body: Buffer.from(operation.body as string, 'base64') } : operation
  return { ...place, operations: operations.map(unpack) }
}

export function makeJournal(blobs: BlobStore): Journal {
  async function readPlan(id: string): Promise<SagaPlan | undefined> {
    const key = sagaPlanKey(id)
    const found = await run(blobs.get(key))
    if (found === undefined) return undefined
    const [first = '', ...lines] = Buffer.from(found.bytes).toString('utf8').trimEnd().split('\n')
    const head = decoded(key, first) as Omit<SagaPlan, 'steps'>
    return { ...head, steps: lines.map(unpackStep) }
  }

  async function readWithTag(id: string): Promise<{ progress: SagaProgress; etag?: string }> {
    const key = sagaStateKey(id)
    const found = await run(blobs.get(key))
    // A process may have died between the plan and the state.
    if (found === undefined) return { progress: { format, state: 'running' } }
    const progress = decoded(key, Buffer.from(found.bytes).toString('utf8')) as SagaProgress
    return { progress, etag: found.etag }
  }

  return {
    readPlan,
    async writePlan({ steps, ...plan }) {
      const lines = [JSON.stringify({ format, ...plan }), ...packed(steps)]
      await run(blobs.createIfAbsent(sagaPlanKey(plan.id), Buffer.from(`${lines.join('\n')}\n`)))
      return (await readPlan(plan.id)) as SagaPlan
    },
    readState: async (id) => (await readWithTag(id)).progress,
    async move(id, from, to) {
      const bytes = Buffer.from(JSON.stringify({ format, ...to }))
      for (;;) {
        const { progress, etag } = await readWithTag(id)
        if (progress.state !== from) return progress
        const key = sagaStateKey(id)
        if (etag === undefined) await run(blobs.createIfAbsent(key, bytes))
        else await run(blobs.replaceIfMatch(key, bytes, etag))
      }
    },
  }
}

function decoded(key: string, text: string): unknown {
  let parsed: { format?: unknown }
  try {
    parsed = JSON.parse(text) as { format?: unknown }
  } catch {
    throw annalsError('Corrupt', { key, problem: 'it is no JSON' })
  }
  if (parsed.format === format) return parsed
  throw annalsError('UnsupportedFormat', { key, format: String(parsed.format), supported: format })
}
