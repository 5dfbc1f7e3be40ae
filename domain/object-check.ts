/** Whether the bytes of a commit's object are those that its header names: every body has its hash, and there is nothing else. */
import { type Commit, eventsOf, sha256 } from './commit.js'
import type { EventHeader } from './header.js'

export interface ObjectProblem {
  readonly kind: 'body-damaged' | 'commit-damaged'
  readonly problem: string
}

/** An event in a message. */
export const eventName = ({ type, id, version }: EventHeader, index: number): string =>
  `${type}/${id} version ${version} (event ${index})`

/** The bytes of a body that stands in the object, whatever their hash. */
export function inlineBody(commit: Commit, bytes: Uint8Array, { offset = 0, length = 0 }: EventHeader): Uint8Array {
  const start = commit.bodiesAt + offset
  return bytes.subarray(start, start + length)
}

const newline = 10

/** What is wrong with the whole object behind its header line. Bodies under `blobs/` are objects of their own. */
export function* objectProblems(commit: Commit, bytes: Uint8Array): Generator<ObjectProblem> {
  let end = commit.bodiesAt
  for (const { event, index } of eventsOf(commit)) {
    if (event.offset === undefined) continue
    const { length = 0 } = event
    const body = inlineBody(commit, bytes, event)
    if (sha256(body) !== event.sha256 || body.length !== length) {
      yield { kind: 'body-damaged', problem: `${eventName(event, index)} does not have its hash` }
    }
    end += length + 1
    // No hash covers the newline behind a body.
    if (end <= bytes.length && bytes[end - 1] !== newline)
      yield { kind: 'commit-damaged', problem: `byte ${end - 1} is not the newline behind a body` }
  }
  if (bytes.length !== end)
    yield { kind: 'commit-damaged', problem: `it has ${bytes.length} bytes, its header accounts for ${end}` }
}
