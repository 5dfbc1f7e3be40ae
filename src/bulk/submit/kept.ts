/** What is kept of the lines of a group: how they came, what became of each, and what was changed. */
import { encodeSegment } from '../../../domain/keys.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { mapBounded, run } from '../../../domain/task.js'
import type { LineCounts, LineResult, SubmissionOptions } from './api.js'
import type { Group } from './groups.js'
import { noCounts } from './journal.js'
import type { Rejected, Wanted } from './read-line.js'
import type { Effect } from './write-group.js'

export interface GroupPlace {
  /** Of the submission's objects. */
  readonly prefix: string
  readonly manifest: string
  readonly file: number
  readonly group: number
  readonly keep: NonNullable<SubmissionOptions['keep']>
}

/** `raw`: lines as they came. `results`: what became of them. `changes`: the versions that were written. */
export type KeptPart = 'raw' | 'results' | 'changes'

/** Objects of single lines that are written at once. */
const width = 32

export const fileFolder = (part: KeptPart, { prefix, manifest, file }: Omit<GroupPlace, 'group' | 'keep'>): string =>
  `${prefix}${part}/${encodeSegment(manifest)}/${String(file).padStart(4, '0')}/`

const groupObject = (part: KeptPart, place: GroupPlace): string =>
  `${fileFolder(part, place)}part-${String(place.group).padStart(8, '0')}.ndjson`

const lineObject = (part: KeptPart, place: GroupPlace, line: number): string =>
  `${fileFolder(part, place)}line-${String(line).padStart(12, '0')}.ndjson`

const lineEnd = Buffer.from('\n')
const tooLong = Buffer.from('null')

/** Answers whether they are the lines that were kept before, if any were. */
export async function keepInput(blobs: BlobStore, place: GroupPlace, { lines }: Group): Promise<boolean> {
  const bytesOf = ({ bytes }: Group['lines'][number]): Uint8Array[] => [bytes ?? tooLong, lineEnd]
  const objects =
    place.keep === 'packed'
      ? [{ key: groupObject('raw', place), bytes: Buffer.concat(lines.flatMap(bytesOf)) }]
      : lines.map((line) => ({ key: lineObject('raw', place, line.number), bytes: Buffer.concat(bytesOf(line)) }))
  const same = await mapBounded(objects, width, async ({ key, bytes }) => {
    if ((await run(blobs.createIfAbsent(key, bytes))) === 'created') return true
    const kept = await run(blobs.get(key))
    return kept !== undefined && bytes.equals(kept.bytes)
  })
  return same.every((each) => each)
}

/** A result, and the line that says it. */
interface Told {
  readonly result: LineResult
  readonly text: string
}

export async function keepResults(
  blobs: BlobStore,
  place: GroupPlace,
  results: ReadonlyArray<LineResult>,
): Promise<void> {
  const told = results.map((result): Told => ({ result, text: `${JSON.stringify(result)}\n` }))
  const changes = told.filter(({ result }) => result.op !== undefined)
  await mapBounded([...objectsOf('results', place, told), ...objectsOf('changes', place, changes)], width, (object) =>
    run(blobs.put(object.key, Buffer.from(object.text))),
  )
}

function objectsOf(part: KeptPart, place: GroupPlace, told: ReadonlyArray<Told>): { key: string; text: string }[] {
  if (told.length === 0) return []
  if (place.keep === 'packed') return [{ key: groupObject(part, place), text: told.map(({ text }) => text).join('') }]
  const found = new Map<string, string>()
  for (const { result, text } of told) {
    const key = lineObject(part, place, result.line)
    found.set(key, (found.get(key) ?? '') + text)
  }
  return [...found].map(([key, text]) => ({ key, text }))
}

/** In the order of the lines. */
export function resultsOf(
  { lines }: Group,
  wanted: ReadonlyArray<Wanted>,
  rejected: ReadonlyArray<Rejected>,
  effects: ReadonlyArray<Effect>,
): { readonly results: ReadonlyArray<LineResult>; readonly counts: LineCounts } {
  const results: LineResult[] = [
    ...rejected.map(({ line, issue }): LineResult => ({ line, outcome: 'validation-error', issue })),
    ...wanted.map(({ line, type, id }, i) => resultOf(line, type, id, effects[i] as Effect)),
  ].sort((a, b) => a.line - b.line)
  const counts: Record<keyof LineCounts, number> = { ...noCounts, lines: lines.length }
  for (const { outcome, op } of results) {
    if (outcome === 'validation-error') counts.validationErrors++
    else if (outcome === 'processing-error') counts.processingErrors++
    else if (outcome === 'skipped') counts.skipped++
    else if (op === undefined) counts.unchanged++
    else counts[countOf[op]]++
  }
  return { results, counts }
}

const countOf = { create: 'created', update: 'updated', delete: 'deleted' } as const

function resultOf(line: number, type: string, id: string, effect: Effect): LineResult {
  const { version, op, transaction, issue, isSkipped = false } = effect
  const outcome = issue === undefined ? 'success' : isSkipped ? 'skipped' : 'processing-error'
  return {
    line,
    outcome,
    type,
    id,
    ...(version === 0 ? undefined : { version }),
    ...(op === undefined ? undefined : { op }),
    ...(transaction === undefined ? undefined : { transaction }),
    ...(issue === undefined ? undefined : { issue }),
  }
}
