/** Commit objects: round trips, the chain, and every way in which bytes can be wrong. */

import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import {
  type Commit,
  chainProblem,
  decodeCommit,
  encodeCommit,
  eventsOf,
  genesis,
  origin,
  sha256,
} from '../../domain/commit.js'
import type { CommitHeader } from '../../domain/header.js'
import { commits, headers } from './headers.js'

const decode = (bytes: Uint8Array, whole = true): E.Either<unknown, Commit | undefined> =>
  decodeCommit('log/1', bytes, whole)

const tagOf = (result: E.Either<unknown, unknown>): string | undefined =>
  E.isLeft(result) ? (result.left as { _tag: string })._tag : undefined

describe('a commit object', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(commits, ({ header, bodies }) => {
        const { bytes, commit } = encodeCommit(header, bodies)
        expect(decode(bytes)).toEqual(E.right(commit))
        expect(commit.header).toEqual(header)
        expect(bytes.subarray(commit.bodiesAt)).toEqual(Buffer.from(bodies))
      }),
    )
  })

  test('is a header line, and the hash is that of the line without its newline', () => {
    fc.assert(
      fc.property(commits, ({ header, bodies }) => {
        const { bytes, commit } = encodeCommit(header, bodies)
        const end = bytes.indexOf('\n')
        expect(JSON.parse(bytes.toString('utf8', 0, end))).toEqual(header)
        expect(commit.hash).toBe(sha256(bytes.subarray(0, end)))
        expect(commit.bodiesAt).toBe(end + 1)
      }),
    )
  })

  test('numbers its events over all its transactions', () => {
    fc.assert(
      fc.property(commits, ({ header, bodies }) => {
        const events = [...eventsOf(encodeCommit(header, bodies).commit)]
        expect(events.map(({ index }) => index)).toEqual(events.map((_, index) => index))
        expect(events.map(({ event }) => event)).toEqual(header.transactions.flatMap((each) => each.events))
      }),
    )
  })

  test('whose beginning holds no whole header is not decided yet, and is damaged if that is all of it', () => {
    fc.assert(
      fc.property(commits, fc.nat(), ({ header, bodies }, cut) => {
        const { bytes, commit } = encodeCommit(header, bodies)
        const part = bytes.subarray(0, cut % commit.bodiesAt)
        expect(decode(part, false)).toEqual(E.right(undefined))
        expect(tagOf(decode(part, true))).toBe('Corrupt')
      }),
    )
  })

  test('of a newer format says that Annals has to be upgraded', () => {
    const result = decode(Buffer.from('{"format":"annals/2","anything":[]}\n'))
    expect(result).toMatchObject({ left: { _tag: 'UnsupportedFormat', data: { format: 'annals/2' } } })
  })

  test.each([
    ['no JSON', '{"format":\n'],
    ['no header', '[]\n'],
    ['null', 'null\n'],
    ['another format', '{"format":"parquet"}\n'],
    ['nothing', '\n'],
  ])('that holds %s is damaged', (_, text) => {
    expect(tagOf(decode(Buffer.from(text)))).toBe('Corrupt')
  })

  test('never makes the decoder throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, whole) => void decode(bytes, whole)))
  })
})

describe('every single bit', () => {
  const [{ header, bodies }] = fc.sample(commits, { seed: 7, numRuns: 1 }) as [{ header: CommitHeader; bodies: Buffer }]
  const { bytes, commit } = encodeCommit(header, bodies)
  const link = { seq: commit.seq - 1, hash: header.prev, at: commit.at - 1 }

  test('of a header that flips is noticed: by the guard, the chain, or the hash that the next commit names', () => {
    for (let at = 0; at < commit.bodiesAt; at++)
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] as number) ^ (1 << bit)
        const decoded = decode(damaged)
        const unnoticed =
          E.isRight(decoded) &&
          decoded.right !== undefined &&
          chainProblem(link, decoded.right, header.log) === undefined &&
          decoded.right.hash === commit.hash
        expect(unnoticed, `byte ${at}, bit ${bit}`).toBe(false)
      }
  })

  test('of a body that flips is noticed by its hash', () => {
    for (const { event } of eventsOf(commit)) {
      if (event.offset === undefined || event.length === undefined) continue
      const start = commit.bodiesAt + event.offset
      expect(sha256(bytes.subarray(start, start + event.length))).toBe(event.sha256)
      for (let at = start; at < start + event.length; at++)
        for (let bit = 0; bit < 8; bit++) {
          const damaged = Buffer.from(bytes)
          damaged[at] = (damaged[at] as number) ^ (1 << bit)
          expect(sha256(damaged.subarray(start, start + event.length))).not.toBe(event.sha256)
        }
    }
  })
})

describe('the chain', () => {
  const commitAfter = (header: CommitHeader): Commit => encodeCommit(header, Buffer.alloc(0)).commit

  test('accepts the commit that follows, and nothing else', () => {
    fc.assert(
      fc.property(headers, (header) => {
        const commit = commitAfter(header)
        const link = { seq: commit.seq - 1, hash: header.prev, at: commit.at - 1 }
        expect(chainProblem(link, commit, header.log)).toBeUndefined()
        expect(chainProblem(link, commit, 'other/0')).toMatch(/belongs to the log/)
        expect(chainProblem({ ...link, seq: commit.seq }, commit, header.log)).toMatch(/says that it is commit/)
        expect(chainProblem({ ...link, hash: sha256('other') }, commit, header.log)).toMatch(/chain hash differs/)
        expect(chainProblem({ ...link, at: commit.at }, commit, header.log)).toMatch(/is not after/)
      }),
    )
  })

  test('begins at 1 with 64 zeros', () => {
    expect(genesis).toBe('0'.repeat(64))
    const [header] = fc.sample(headers, 1) as [CommitHeader]
    const first = commitAfter({ ...header, seq: 1, prev: genesis })
    expect(chainProblem(origin, first, header.log)).toBeUndefined()
  })
})
