/** Cursors: bound to their history, and refused when they are anything else. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../../domain/cursor.js'

const cursors = fc.record(
  {
    ...{ scope: fc.string(), seq: fc.nat(), after: fc.string(), at: fc.nat(), since: fc.nat() },
    order: fc.constant('oldest-first' as const),
  },
  { requiredKeys: ['scope', 'seq', 'after'] },
)

const refused = { left: { _tag: 'InvalidInput', data: { what: 'cursor' } } }

describe('a cursor', () => {
  test('is read as it was made, and goes into a URL as it is', () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        const text = encodeCursor(cursor)
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/)
        expect(decodeCursor(text, cursor.scope)).toEqual({ _tag: 'Right', right: cursor })
      }),
    )
  })

  test('of another history is refused', () => {
    fc.assert(
      fc.property(cursors, fc.string(), (cursor, scope) => {
        fc.pre(scope !== cursor.scope)
        expect(decodeCursor(encodeCursor(cursor), scope)).toMatchObject(refused)
      }),
    )
  })

  test('that is garbage is refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json()), (text) => {
        expect(decodeCursor(text, 'system')).toMatchObject(refused)
      }),
    )
  })

  test.each([
    ['a seq that is no number of a commit', { scope: 'system', seq: -1, after: '1-0' }],
    ['a seq that is no whole number', { scope: 'system', seq: 1.5, after: '1-0' }],
    ['no scope', { seq: 1, after: '1-0' }],
    ['a text for its instant', { scope: 'system', seq: 1, after: '1-0', at: 'now' }],
    ['an order that there is not', { scope: 'system', seq: 1, after: '1-0', order: 'best-first' }],
    ['nothing', null],
  ])('with %s is refused', (_, made) => {
    const text = Buffer.from(JSON.stringify(made)).toString('base64url')
    expect(decodeCursor(text, 'system')).toMatchObject(refused)
  })
})
