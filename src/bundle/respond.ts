/** The answers to the entries of a Bundle, from what became of their operations. */
import type { Operation } from '../../domain/decide.js'
import { documentBytes } from '../../domain/document.js'
import { annalsError } from '../../domain/error.js'
import type { Interaction } from '../../domain/fhir/bundle/interaction.js'
import { isUnchanged } from '../../domain/fhir/bundle/preconditions.js'
import { type EntryResponse, encodeSearchset } from '../../domain/fhir/bundle/response.js'
import { formatInstant } from '../../domain/instant.js'
import type { VersionPointer } from '../../domain/pointer.js'
import { mapBounded } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import type { Matching } from '../read/matching.js'
import type { Reader } from '../read/reader.js'
import { stampOf } from '../write/encode.js'
import type { PlannedResult } from '../write/planned.js'
import type { WriteResult } from '../write/result.js'
import type { BundleOptions } from './api.js'
import type { Asked } from './plan.js'
import { type Room, withoutBody } from './room.js'

export interface RespondDeps {
  readonly reader: Reader
  readonly matching: Matching
  readonly limits: Limits
}

/** `ordered`: as the operations were; the answers are in the order of the request. */
export async function respond(
  deps: RespondDeps,
  ordered: ReadonlyArray<Asked>,
  { result: { id, results }, plan }: PlannedResult,
  room: Room,
  options: BundleOptions,
): Promise<EntryResponse[]> {
  // A search sees what the transaction has left behind; where it has written nothing, what everybody sees.
  const seq = id === undefined ? (await deps.reader.head()).seq : Number(id.split('-')[0])
  const answers = await mapBounded(ordered, deps.limits.concurrency, async ({ entry, interaction }, place) => ({
    index: entry.index,
    answer: await answerTo(
      deps,
      { interaction, result: results[place] as WriteResult, operation: plan?.operations[place] },
      { seq, isWritten: id !== undefined, room },
      options,
    ),
  }))
  return answers.sort((a, b) => a.index - b.index).map(({ answer }) => answer)
}

interface Processed {
  readonly interaction: Interaction
  readonly result: WriteResult
  /** What has just come to this result; absent where an earlier call did. */
  readonly operation?: Operation
}

interface Answering {
  /** The head of what searches see. */
  readonly seq: number
  /** Whether the transaction has written something, so that it cannot fail any more. */
  readonly isWritten: boolean
  readonly room: Room
}

async function answerTo(
  deps: RespondDeps,
  { interaction, result, operation }: Processed,
  { seq, isWritten, room }: Answering,
  options: BundleOptions,
): Promise<EntryResponse> {
  const { type, id, version, at } = result
  const found = { type, id, version, at }
  // Who patches a resource has not sent all of it.
  const isShown = interaction.kind !== 'patch' || options.permit?.('r', type) !== false
  const within = async (bytes: number, read: () => Uint8Array | Promise<Uint8Array>): Promise<Shown> => {
    if (room.take(bytes)) return { resource: await read() }
    if (isWritten) return { outcome: withoutBody }
    throw room.exceeded(interaction.index, bytes)
  }
  const body = async (): Promise<Shown | undefined> => {
    if (options.return !== 'representation' || !isShown) return undefined
    const written = writtenBy(operation, result)
    if (written !== undefined) return within(written.length, () => written)
    const pointer = await pointerOf(deps.reader, type, id, version)
    return within(pointer.length ?? 0, () => deps.reader.body(pointer))
  }
  switch (interaction.kind) {
    case 'create':
      return { status: result.changed ? 201 : 200, ...found, ...(await body()) }
    case 'update':
    case 'patch':
      return { status: result.op === 'create' ? 201 : 200, ...found, ...(await body()) }
    case 'delete':
      return version === 0 ? { status: 204, type } : { status: 204, ...found }
    case 'read': {
      const wanted = interaction.version ?? version
      const pointer = await pointerOf(deps.reader, type, id, wanted)
      const read = { type, id, version: wanted, at: formatInstant(pointer.at) }
      if (isUnchanged(interaction.had, wanted, pointer.at)) return { status: 304, ...read }
      const shown = interaction.isHead ? {} : await within(pointer.length ?? 0, () => deps.reader.body(pointer))
      return { status: 200, ...read, ...shown }
    }
    default: {
      if (interaction.isHead) return { status: 200, type }
      const matches = await deps.matching.match(interaction.condition, { seq })
      const found = matches.map(({ pointer, body }) => ({ ...pointer, body }))
      const bytes = found.reduce((sum, { body }) => sum + body.length, 0)
      const search = `${type}?${interaction.query}`
      return { status: 200, type, ...(await within(bytes, () => encodeSearchset(found, options.base, search))) }
    }
  }
}

type Shown = Pick<EntryResponse, 'resource' | 'outcome'>

/** What has just been written is known without a read: the bytes that went into the commit. */
function writtenBy(operation: Operation | undefined, result: WriteResult): Uint8Array | undefined {
  if (operation?.kind !== 'put' || !result.changed || result.at === undefined) return undefined
  return documentBytes(operation.body, stampOf(result, result.at))
}

async function pointerOf(reader: Reader, type: string, id: string, version: number): Promise<VersionPointer> {
  const pointer = await reader.version({ type, id }, version)
  if (pointer !== undefined) return pointer
  throw annalsError('NeedsRecovery', { log: type, problem: `${type}/${id} version ${version} has no pointer` })
}
