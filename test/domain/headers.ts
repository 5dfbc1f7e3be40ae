/** Generated headers, as the writer could have made them. */
import fc from 'fast-check'
import { sha256 } from '../../domain/commit.js'
import type { CommitHeader, EventHeader, TransactionHeader } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'

const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const counts = fc.nat({ max: 2 ** 40 })
const numbers = fc.integer({ min: 1, max: 2 ** 40 })
const hashes = fc.string().map(sha256)

const optional = <T extends object>(member: fc.Arbitrary<T>): fc.Arbitrary<Partial<T>> =>
  fc.oneof(fc.constant({}), member)

const body = fc.oneof(
  fc.record({ offset: counts, length: counts, sha256: hashes }),
  fc.record({ length: counts, sha256: hashes }).map((large) => ({ ...large, blob: large.sha256 })),
)

/** Version 0 stands before every other. */
const restoring = optional(fc.record({ restores: fc.constant(0) }))

/** Keys are stated with their digest; a version that keeps them has the digest alone. */
const keys = optional(
  fc.oneof(fc.record({ keyed: texts }), fc.record({ keyed: texts, keys: fc.array(texts, { maxLength: 2 }) })),
)

const written: fc.Arbitrary<EventHeader> = fc
  .tuple(
    fc.record({
      type: texts,
      id: texts,
      version: numbers,
      op: fc.constantFrom('create' as const, 'update' as const),
      method: fc.constantFrom('POST' as const, 'PUT' as const, 'PATCH' as const),
    }),
    body,
    optional(fc.record({ prev: fc.record({ seq: counts, index: counts }) })),
    restoring,
    keys,
  )
  .map(([event, place, prev, restores, found]) => ({ ...event, ...place, ...prev, ...restores, ...found }))

const deletion: fc.Arbitrary<EventHeader> = fc
  .tuple(
    fc.record({
      type: texts,
      id: texts,
      version: numbers,
      op: fc.constant('delete' as const),
      method: fc.constant('DELETE' as const),
      prev: fc.record({ seq: counts, index: counts }),
    }),
    restoring,
  )
  .map(([event, restores]) => ({ ...event, ...restores }))

const transactions: fc.Arbitrary<TransactionHeader> = fc
  .tuple(
    texts,
    optional(fc.record({ request: texts, requestDigest: hashes })),
    optional(fc.record({ actor: texts })),
    optional(fc.record({ reason: texts })),
    optional(fc.record({ correlation: texts, causation: texts })),
    optional(fc.record({ compensates: fc.record({ seq: counts, transaction: counts }) })),
    optional(
      fc.record({
        unchanged: fc.array(fc.record({ operation: counts, type: texts, id: texts, version: counts }), {
          maxLength: 2,
        }),
      }),
    ),
    fc.array(fc.oneof(written, deletion), { maxLength: 4 }),
  )
  .map(([id, request, actor, reason, wider, compensates, unchanged, events]) => ({
    id,
    ...request,
    ...actor,
    ...reason,
    ...wider,
    ...compensates,
    ...unchanged,
    events,
  }))

export const headers: fc.Arbitrary<CommitHeader> = fc.record({
  format: fc.constant('annals/1'),
  log: texts,
  seq: numbers,
  id: fc.uuid(),
  writer: texts,
  at: fc.integer({ min: 1, max: 2 ** 52 }).map(formatInstant),
  prev: hashes,
  transactions: fc.array(transactions, { maxLength: 4 }),
})

const bodies = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { minLength: 1, maxLength: 5 })

/** A header together with the bodies that it names. */
export const commits: fc.Arbitrary<{ header: CommitHeader; bodies: Buffer }> = fc
  .tuple(headers, bodies)
  .map(([header, values]) => {
    const lines = values.map((value) => JSON.stringify({ value }))
    let offset = 0
    const events = lines.map((line, n): EventHeader => {
      const length = Buffer.byteLength(line)
      const event = { type: 'Note', id: `n${n}`, version: 1, op: 'create', method: 'POST' } as const
      const placed = { ...event, offset, length, sha256: sha256(line) }
      offset += length + 1
      return placed
    })
    return {
      header: { ...header, transactions: [{ id: `${header.seq}-0`, events }] },
      bodies: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    }
  })
