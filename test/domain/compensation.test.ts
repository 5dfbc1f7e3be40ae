/** What takes events back, decided without a store in sight. */
import { describe, expect, test } from 'vitest'
import { type Compensation, compensationOf, type OnConflict, undoingsOf } from '../../domain/compensation.js'

const event = (id: string, version: number) => ({ type: 'Note', id, version })
const there = (version: number) => ({ version, deleted: false })
const gone = (version: number) => ({ version, deleted: true })

describe('what is to be taken back', () => {
  test('is gathered resource by resource, the last written first', () => {
    expect(undoingsOf([event('a', 3), event('b', 1), event('a', 4), event('c', 7)])).toEqual([
      { type: 'Note', id: 'c', first: 7, last: 7 },
      { type: 'Note', id: 'a', first: 3, last: 4 },
      { type: 'Note', id: 'b', first: 1, last: 1 },
    ])
  })

  test('ends where another has written in between', () => {
    expect(undoingsOf([event('a', 2), event('a', 4), event('a', 5)])).toEqual([
      { type: 'Note', id: 'a', first: 2, last: 2 },
    ])
  })
})

describe('a compensation', () => {
  const undoing = { type: 'Note', id: 'a', first: 3, last: 4 }
  const given = (now: Parameters<typeof compensationOf>[1], before = there(2), onConflict: OnConflict = 'fail') =>
    compensationOf(undoing, now, before, onConflict, 5)
  const brief = ({ action, restores, conflict }: Compensation) =>
    `${action} ${restores}${conflict === undefined ? '' : ` although at ${conflict.actual}, not ${conflict.expected}`}`

  test('of a create is a deletion', () => {
    const created = { type: 'Note', id: 'a', first: 1, last: 1 }
    expect(compensationOf(created, there(1), undefined, 'fail', 0)).toEqual({
      type: 'Note',
      id: 'a',
      version: 1,
      restores: 0,
      action: 'delete',
    })
  })

  test('of an update brings the earlier body back', () => expect(brief(given(there(4)))).toBe('restore 2'))
  test('of a deletion brings the earlier body back', () => expect(brief(given(gone(4)))).toBe('restore 2'))
  test('of a revival deletes again', () => expect(brief(given(there(4), gone(2)))).toBe('delete 2'))
  test('of what came and went is nothing', () => expect(brief(given(gone(4), gone(2)))).toBe('leave 2'))

  test('is no conflict where what came since was taken back', () => {
    expect(brief(given({ ...there(6), standsFor: 4 }))).toBe('restore 2')
    expect(brief(given({ ...there(6), standsFor: 3 }))).toBe('leave 2 although at 6, not 4')
  })

  test('of what has moved on is a conflict, and names the place', () => {
    expect(given(there(6)).conflict).toEqual({
      operation: 5,
      type: 'Note',
      id: 'a',
      expected: 4,
      actual: 6,
      deleted: false,
    })
    expect(brief(given(gone(5)))).toBe('leave 2 although at 5, not 4')
  })

  test('of what has moved on is skipped or forced, where the caller says so', () => {
    expect(brief(given(there(6), there(2), 'skip'))).toBe('leave 2 although at 6, not 4')
    expect(brief(given(there(6), there(2), 'force'))).toBe('restore 2 although at 6, not 4')
    expect(brief(given(there(6), gone(2), 'force'))).toBe('delete 2 although at 6, not 4')
  })
})
