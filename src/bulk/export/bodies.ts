/** The bodies of a commit that an export wants, in their order: as views of what was read, where they lie in it. */
import { type Commit, sha256 } from '../../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { pointersOf, type VersionPointer } from '../../../domain/pointer.js'
import { attempt, mapBounded } from '../../../domain/task.js'
import type { Limits } from '../../limits.js'
import { bodiesOf } from '../../read/bodies.js'
import type { OpenCommit } from '../../read/log-reader.js'
import type { ExportedLog } from './snapshot.js'
import type { Met } from './versions.js'

/** Bytes of a body, or why there are none. */
export type Body = { readonly bytes: Uint8Array } | { readonly failure: AnnalsError }

/** Bodies that have to be read, beyond the commit or the beginning of it: so many bytes of them at a time. */
const groupBytes = 8 * 1024 * 1024

/** Damage of one body is told in its place, and the others follow. The views are good until the next is asked for. */
export async function* bodiesIn(
  from: ExportedLog,
  limits: Limits,
  opened: OpenCommit,
  wanted: ReadonlyArray<Met>,
): AsyncGenerator<{ readonly met: Met; readonly body: Body }> {
  const { commit, bytes } = opened
  for (let next = 0; next < wanted.length; ) {
    const far: Met[] = []
    let room = groupBytes
    let end = next
    for (; end < wanted.length; end++) {
      const met = wanted[end] as Met
      if (isAtHand(met, commit, bytes)) continue
      const length = met.event.length ?? 0
      if (far.length > 0 && length > room) break
      far.push(met)
      room -= length
    }
    const read = far.length === 0 ? undefined : await readAll(from, limits, opened, far)
    for (; next < end; next++) {
      const met = wanted[next] as Met
      yield { met, body: read?.get(met.index) ?? viewOf(from, met, commit, bytes) }
    }
  }
}

function isAtHand({ event }: Met, { bodiesAt }: Commit, bytes: Uint8Array): boolean {
  const { offset, length = 0 } = event
  return offset !== undefined && bodiesAt + offset + length <= bytes.length
}

function viewOf({ log }: ExportedLog, { event }: Met, commit: Commit, bytes: Uint8Array): Body {
  const start = commit.bodiesAt + (event.offset ?? 0)
  const view = bytes.subarray(start, start + (event.length ?? 0))
  if (sha256(view) === event.sha256) return { bytes: view }
  const problem = `the body of ${event.type}/${event.id} version ${event.version} does not have its hash`
  return { failure: annalsError('Corrupt', { key: log.key(commit.seq), problem }) }
}

async function readAll(
  { log, reader }: ExportedLog,
  limits: Limits,
  opened: OpenCommit,
  far: ReadonlyArray<Met>,
): Promise<Map<number, Body>> {
  const all = pointersOf(opened.commit, log.partition)
  const pointers = far.map(({ index }) => all[index] as VersionPointer)
  const together = await attempt(() => bodiesOf(reader, pointers, limits, new Map([[opened.commit.seq, opened]])))()
  if (together._tag === 'Left' && together.left._tag !== 'Corrupt') throw together.left
  const bodies =
    together._tag === 'Right'
      ? together.right.map((bytes): Body => ({ bytes: bytes as Uint8Array }))
      : await mapBounded(pointers, limits.concurrency, readOne)
  return new Map(far.map(({ index }, i) => [index, bodies[i] as Body]))

  async function readOne(pointer: VersionPointer): Promise<Body> {
    const read = await attempt(() => reader.body(pointer))()
    if (read._tag === 'Right') return { bytes: read.right }
    if (read.left._tag === 'Corrupt') return { failure: read.left }
    throw read.left
  }
}
