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
  options: BundleOptions,
): Promise<EntryResponse[]> {
  // A search sees what the transaction has left behind; where it has written nothing, what everybody sees.
  const seq = id === undefined ? (await deps.reader.head()).seq : Number(id.split('-')[0])
  const answers = await mapBounded(ordered, deps.limits.concurrency, async ({ entry, interaction }, place) => ({
    index: entry.index,
    answer: await answerTo(
      deps,
      { interaction, result: results[place] as WriteResult, operation: plan?.operations[place] },
      seq,
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

async function answerTo(
  deps: RespondDeps,
  { interaction, result, operation }: Processed,
  seq: number,
  options: BundleOptions,
): Promise<EntryResponse> {
  const { type, id, version, at } = result
  const found = { type, id, version, at }
  // Who patches a resource has not sent all of it.
  const isShown = interaction.kind !== 'patch' || options.permit?.('r', type) !== false
  const body = async (): Promise<Pick<EntryResponse, 'resource'> | undefined> =>
    options.return === 'representation' && isShown
      ? { resource: writtenBy(operation, result) ?? (await bodyOf(deps.reader, type, id, version)) }
      : undefined
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
      return interaction.isHead
        ? { status: 200, ...read }
        : { status: 200, ...read, resource: await deps.reader.body(pointer) }
    }
    default: {
      if (interaction.isHead) return { status: 200, type }
      const matches = await deps.matching.match(interaction.condition, { seq })
      const found = matches.map(({ pointer, body }) => ({ ...pointer, body }))
      return { status: 200, type, resource: encodeSearchset(found, options.base, `${type}?${interaction.query}`) }
    }
  }
}

/** What has just been written is known without a read: the bytes that went into the commit. */
function writtenBy(operation: Operation | undefined, result: WriteResult): Uint8Array | undefined {
  if (operation?.kind !== 'put' || !result.changed || result.at === undefined) return undefined
  return documentBytes(operation.body, stampOf(result, result.at))
}

const bodyOf = async (reader: Reader, type: string, id: string, version: number): Promise<Uint8Array> =>
  reader.body(await pointerOf(reader, type, id, version))

async function pointerOf(reader: Reader, type: string, id: string, version: number): Promise<VersionPointer> {
  const pointer = await reader.version({ type, id }, version)
  if (pointer !== undefined) return pointer
  throw annalsError('NeedsRecovery', { log: type, problem: `${type}/${id} version ${version} has no pointer` })
}
