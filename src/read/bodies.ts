/** Bodies of many versions at once: those that lie near each other in one commit share a read. */
import type { VersionPointer } from '../../domain/pointer.js'
import { mapBounded } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import { liesIn, type Reader, type Stretch } from './reader.js'

/** Bytes between two bodies that are read along rather than skipped by another request. */
const maxGap = 64 * 1024
/** The longest part of a commit that is read at once for several bodies. */
const maxStretch = 4 * 1024 * 1024

/** Versions whose bodies one read answers. */
interface Part {
  readonly seq: number
  readonly start: number
  end: number
  readonly places: number[]
}

/** In the order of the versions; a deletion has no body. `opened` are commits that were read anyway. */
export async function bodiesOf(
  reader: Reader,
  pointers: ReadonlyArray<VersionPointer>,
  limits: Limits,
  opened?: ReadonlyMap<number, Stretch>,
): Promise<Array<Uint8Array | undefined>> {
  const stretches: Array<Stretch | undefined> = pointers.map((pointer) => opened?.get(pointer.seq))
  const isAtHand = (pointer: VersionPointer, stretch: Stretch | undefined): boolean =>
    reader.holds(pointer) || (stretch !== undefined && liesIn(pointer, stretch))
  const unread = pointers.flatMap((pointer, place) =>
    pointer.offset === undefined || isAtHand(pointer, stretches[place]) ? [] : [place],
  )
  await mapBounded(partsOf(pointers, unread), limits.concurrency, async ({ seq, start, end, places }) => {
    const stretch = await reader.stretch(seq, { start, end })
    for (const place of places) stretches[place] = stretch
  })
  return mapBounded(pointers, limits.concurrency, async (pointer, place) =>
    pointer.op === 'delete' ? undefined : reader.body(pointer, stretches[place]),
  )
}

/** Those of the first whose bodies have so many bytes together, and one at least. */
export function withinBytes(pointers: ReadonlyArray<VersionPointer>, maxBytes: number): ReadonlyArray<VersionPointer> {
  let bytes = 0
  for (const [place, { length = 0 }] of pointers.entries()) {
    bytes += length
    if (bytes > maxBytes && place > 0) return pointers.slice(0, place)
  }
  return pointers
}

function partsOf(pointers: ReadonlyArray<VersionPointer>, places: ReadonlyArray<number>): Part[] {
  const located = places.map((place) => {
    const { seq, offset: start = 0, length = 0 } = pointers[place] as VersionPointer
    return { place, seq, start, end: start + length }
  })
  const parts: Part[] = []
  for (const { place, seq, start, end } of located.sort((a, b) => a.seq - b.seq || a.start - b.start)) {
    const last = parts.at(-1)
    if (last?.seq === seq && start - last.end <= maxGap && end - last.start <= maxStretch) {
      last.end = Math.max(last.end, end)
      last.places.push(place)
    } else parts.push({ seq, start, end, places: [place] })
  }
  return parts
}
