/** Keys: no name can leave its place, and no two names share one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as keys from '../../domain/keys.js'
import { refKey } from '../../domain/resource.js'

const nasty = [
  '',
  '.',
  '..',
  '...',
  '%',
  '%2E',
  '%2e',
  'a/b',
  '/',
  'a',
  'ab',
  'A',
  ' ',
  '#',
  'a#b',
  'head',
  '\\',
  '~',
  'é',
  'e\u0301',
  '😀',
  'a%2Fb',
]
const names = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'grapheme' }), fc.string())

describe('a segment', () => {
  test('is decoded to what it was', () => {
    fc.assert(fc.property(names, (name) => void expect(keys.decodeSegment(keys.encodeSegment(name))).toBe(name)))
  })

  test('is never shared by two names', () => {
    expect(new Set(nasty.map(keys.encodeSegment)).size).toBe(nasty.length)
    fc.assert(
      fc.property(names, names, (a, b) => void expect(keys.encodeSegment(a) === keys.encodeSegment(b)).toBe(a === b)),
    )
  })

  test('holds no slash, no hash sign and nothing that a path takes for its own', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(keys.encodeSegment(name)).toMatch(/^[A-Za-z0-9\-_~%][A-Za-z0-9\-_~%.]*$/)
      }),
    )
  })

  test.each([
    ['a/b', 'a%2Fb'],
    ['..', '%2E.'],
    ['.', '%2E'],
    ['', '%'],
    ['%', '%25'],
    ['ä', '%C3%A4'],
    ["it's(*)!", 'it%27s%28%2A%29%21'],
    ['a.b-c_d~e', 'a.b-c_d~e'],
  ])('of %j is %j', (name, segment) => expect(keys.encodeSegment(name)).toBe(segment))
})

describe('a key', () => {
  test('stays under its tenant, whatever the tenant is called', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 1e15 }), (tenant, seq) => {
        for (const key of [keys.tenantKey(tenant), keys.logKey(tenant, 0, seq), keys.blobKey(tenant, 'f'.repeat(64))]) {
          expect(key.startsWith(`${keys.encodeSegment(tenant)}/`)).toBe(true)
          expect(key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')).toBe(false)
        }
      }),
    )
  })

  const itemPrefixes = (log: keys.LogId): string[] => [
    keys.headsPrefix(log),
    keys.currentIndexPrefix(log),
    ...keys.pointerPrefixes(log),
  ]
  const itemsOf = (log: keys.LogId): string[] => [
    keys.headPk(log.tenant, log.partition),
    keys.versionsPk(log, 'T', 'i'),
    keys.requestPk(log, 'x'),
    keys.keyPk(log, 'T', 'x'),
    keys.typeIndexPk(log, 'T', 0),
    keys.currentIndexPk(log, 'T', 0),
  ]

  test('of one tenant has the prefix of no other', () => {
    const places = (tenant: string): string[] => [
      `${keys.encodeSegment(tenant)}/`,
      keys.logPrefix(tenant, 0),
      ...itemPrefixes({ tenant, partition: 0 }),
    ]
    const owned = (tenant: string): string[] => [
      keys.tenantKey(tenant),
      keys.logKey(tenant, 0, 1),
      keys.blobKey(tenant, 'x'),
      ...itemsOf({ tenant, partition: 0 }),
    ]
    fc.assert(
      fc.property(names, names, (a, b) => {
        const mixed = owned(a).some((key) => places(b).some((prefix) => key.startsWith(prefix)))
        expect(mixed).toBe(a === b)
      }),
    )
    expect(owned('ab').some((key) => places('a').some((prefix) => key.startsWith(prefix)))).toBe(false)
  })

  test('of one log of a tenant has the prefix of no other log', () => {
    const partitions = fc.integer({ min: 0, max: 63 })
    fc.assert(
      fc.property(names, names, partitions, partitions, (a, b, p, q) => {
        const prefixes = itemPrefixes({ tenant: b, partition: q })
        const isSame = a === b && p === q
        for (const item of itemsOf({ tenant: a, partition: p }))
          expect(prefixes.filter((prefix) => item.startsWith(prefix))).toHaveLength(isSame ? 1 : 0)
      }),
    )
    expect(itemPrefixes({ tenant: 't', partition: 1 }).some((prefix) => keys.headPk('t', 10).startsWith(prefix))).toBe(
      false,
    )
  })

  test('of one resource is that of no other', () => {
    fc.assert(
      fc.property(names, names, names, names, (type1, id1, type2, id2) => {
        const log = { tenant: 't', partition: 0 }
        const same = type1 === type2 && id1 === id2
        expect(keys.versionsPk(log, type1, id1) === keys.versionsPk(log, type2, id2)).toBe(same)
        expect(refKey({ type: type1, id: id1 }) === refKey({ type: type2, id: id2 })).toBe(same)
      }),
    )
  })

  test('sorts as its numbers do', () => {
    const seqs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const versions = fc.integer({ min: 0, max: 9_999_999_999 })
    const order = (a: string | number, b: string | number): number => Number(a > b) - Number(a < b)
    fc.assert(
      fc.property(seqs, seqs, versions, versions, (a, b, v, w) => {
        expect(order(keys.logKey('t', 0, a), keys.logKey('t', 0, b))).toBe(order(a, b))
        expect(order(keys.versionSk(v), keys.versionSk(w))).toBe(order(v, w))
        expect(order(keys.typeIndexSk(a, 1), keys.typeIndexSk(b, 1))).toBe(order(a, b))
      }),
    )
  })

  test('of a head names its log, and no other does', () => {
    fc.assert(
      fc.property(names, fc.nat(99), (tenant, partition) => {
        expect(keys.logOfHead(keys.headPk(tenant, partition))).toBe(keys.logName(tenant, partition))
        expect(keys.logOfHead(keys.versionsPk({ tenant, partition }, 'H#a#0', 'H#a#0'))).toBeUndefined()
        expect(keys.logOfHead(keys.batonPk(tenant, partition))).toBeUndefined()
      }),
    )
  })

  test('of commits and large bodies is written once, and no other is', () => {
    expect(keys.isWriteOnce(keys.logKey('t', 0, 1))).toBe(true)
    expect(keys.isWriteOnce(keys.blobKey('log/', 'x'))).toBe(true)
    for (const tenant of ['log', 'blobs', 'log/', '..']) expect(keys.isWriteOnce(keys.tenantKey(tenant))).toBe(false)
    expect(keys.isWriteOnce(keys.storeManifestKey)).toBe(false)
  })
})
