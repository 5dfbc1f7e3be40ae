/** Names in the object model: no type and no id can leave its place, and a name says what it stands for. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isProjected, isWriteOnce } from '../../domain/keys.js'
import type { VersionPointer } from '../../domain/pointer.js'
import { checkSegment } from '../../domain/resource.js'
import {
  historyPrefix,
  objectKey,
  objectParts,
  parseObjectKey,
  resourcesPrefix,
} from '../../projections/objects/keys.js'

const nasty = [
  '',
  '.',
  '..',
  '_',
  '%',
  '%2E',
  'a/b',
  'a_b',
  '_history',
  'current.json',
  'type',
  'system',
  'é',
  'a%2Fb',
  '😀',
]
const names = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'grapheme' }), fc.string())

const pointers = fc.record({
  type: names,
  id: names,
  version: fc.integer({ min: 1, max: 9_999_999_999 }),
  at: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) * 1000 }),
  seq: fc.integer({ min: 1, max: 999_999_999_999_999 }),
  index: fc.nat(99_999_999),
})

const pointer = (fields: Partial<VersionPointer>): VersionPointer => ({
  ...{ type: 'Note', id: 'a', version: 1, op: 'create', method: 'POST' },
  ...{ at: 1_764_000_000_000_000, partition: 0, seq: 1, index: 0, transaction: 0 },
  ...fields,
})

describe('the name of an object', () => {
  test('is parsed to what it stands for', () => {
    fc.assert(
      fc.property(names, pointers, (tenant, fields) => {
        const event = pointer(fields)
        const { type, id, version, partition, seq, index } = event
        const parsed = objectParts.map((part) => parseObjectKey(tenant, objectKey(tenant, part, event)))
        expect(parsed).toEqual([
          { part: 'current', type, id },
          { part: 'versions', type, id, version },
          { part: 'type-history', position: { partition, seq, index } },
          { part: 'system-history', position: { partition, seq, index } },
        ])
      }),
    )
  })

  test('stays in its place, where nothing is synced and nothing is kept for ever', () => {
    fc.assert(
      fc.property(names, pointers, (tenant, fields) => {
        for (const part of objectParts) {
          const key = objectKey(tenant, part, pointer(fields))
          const room = part === 'current' || part === 'versions' ? resourcesPrefix(tenant) : historyPrefix(tenant)
          expect(key.startsWith(room)).toBe(true)
          expect(key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')).toBe(false)
          expect([isProjected(key), isWriteOnce(key)]).toEqual([true, false])
        }
      }),
    )
  })

  test('is that of no other event, and of no other tenant', () => {
    fc.assert(
      fc.property(names, pointers, names, pointers, (tenant, a, otherTenant, b) => {
        for (const part of objectParts) {
          const [one, other] = [objectKey(tenant, part, pointer(a)), objectKey(otherTenant, part, pointer(b))]
          const isSame =
            tenant === otherTenant &&
            (part === 'system-history' || a.type === b.type) &&
            (part === 'current' || part === 'versions' ? a.id === b.id : a.seq === b.seq && a.index === b.index) &&
            (part === 'current' || a.version === b.version)
          if (one === other) expect(isSame).toBe(true)
          if (tenant !== otherTenant) expect(parseObjectKey(otherTenant, one)).toBeUndefined()
        }
      }),
    )
  })

  test('is one that every file system takes, for every name that the store takes', () => {
    const long = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 160 })
    const taken = long.filter((name) => checkSegment('id', name)._tag === 'Right')
    fc.assert(
      fc.property(taken, taken, pointers, (type, id, fields) => {
        for (const part of objectParts)
          for (const segment of objectKey('t', part, pointer({ ...fields, type, id })).split('/'))
            expect(Buffer.byteLength(segment)).toBeLessThanOrEqual(255)
      }),
    )
  })

  test('in the histories sorts as the events do', () => {
    fc.assert(
      fc.property(pointers, pointers, (a, b) => {
        fc.pre(a.at < b.at)
        for (const part of ['type-history', 'system-history'] as const) {
          const [first, second] = [a, b].map((each) => objectKey('t', part, pointer({ ...each, type: 'Note' })))
          expect(`${first}` < `${second}`).toBe(true)
        }
      }),
    )
  })
})

describe('a key that no event has', () => {
  const strange = [
    't/resources/Note/%zz/current.json',
    't/resources/%/%E0%A4%A/_history/1.json',
    't/resources/Note/a/_history/0.json',
    't/resources/Note/a/_history/01.json',
    't/resources/Note/a/_history/99999999999.json',
    't/resources/Note/a/current.json/x',
    't/resources/Note/current.json',
    't/history/system/20261122T101530123456Z_Note_a_1.json',
    't/history/type/20261122T101530123456Z_a_1_0-1-0.json',
    't/history/else/x_0-1-0.json',
    't/log/0/00000000000000000001.ndjson',
    'other/resources/Note/a/current.json',
  ]
  test.each(strange)('%s stands for nothing', (key) => expect(parseObjectKey('t', key)).toBeUndefined())

  test('is no reason to fail', () => {
    const rooms = fc.constantFrom('t/resources/', 't/history/type/', 't/history/system/')
    const segments = fc.array(fc.oneof(fc.string(), fc.constantFrom('%', '%zz', '%E0', '_history', 'current.json')))
    fc.assert(
      fc.property(
        rooms,
        segments,
        fc.constantFrom('current.json', '_history/1.json', 'x_0-1-0.json'),
        (room, path, end) => {
          parseObjectKey('t', [room + path.join('/'), end].join('/'))
        },
      ),
    )
  })
})

describe('what the log can rebuild', () => {
  test('is the object model and nothing else', () => {
    for (const key of ['t/resources/x', 't/history/x', '%/history/x']) expect(isProjected(key)).toBe(true)
    for (const key of [
      'annals.json',
      't/tenant.json',
      't/log/0/1',
      't/blobs/x',
      'resources/x',
      'history/x',
      '/resources/x',
      't/bulk/resources/x',
    ])
      expect(isProjected(key)).toBe(false)
  })
})
