/** Many calls at a time: bounded, in order, and not at the cost of everybody else. */
import { describe, expect, test } from 'vitest'
import { callsInOneTurn, mapBounded } from '../../domain/task.js'
import { openStore } from '../../src/index.js'

/** How often whoever waits has had a turn before the work was done. */
async function turnsWhile(work: Promise<unknown>): Promise<number> {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await work
  isOver = true
  return turns
}

describe('calls that wait for nothing', () => {
  test.each([1, 16, 1_000])('leave others their turn, with %d in flight', async (width) => {
    const values = Array.from({ length: callsInOneTurn * 4 + 1 }, (_, n) => n)
    let begun = 0
    const work = mapBounded(values, width, async (n) => {
      begun += 1
      return n * 2
    })
    expect(begun).toBeLessThanOrEqual(callsInOneTurn)
    expect(await turnsWhile(work)).toBeGreaterThanOrEqual(3)
    expect(await work).toEqual(values.map((n) => n * 2))
  })

  test('and fail are the last ones', async () => {
    let begun = 0
    const work = mapBounded(Array(callsInOneTurn * 4).fill(0), 16, async () => {
      begun += 1
      if (begun === callsInOneTurn + 5) throw new Error('this one')
    })
    await expect(work).rejects.toThrow('this one')
    expect(begun).toBeLessThan(callsInOneTurn + 5 + 16)
  })

  test('are those of a large Bundle, too', async () => {
    const store = await openStore('memory:')
    const tenant = await store.tenant('default')
    const get = { request: { method: 'GET', url: 'Patient/a' } }
    for (const type of ['batch', 'transaction']) {
      const entry = Array.from({ length: callsInOneTurn * 4 }, (_, n) =>
        type === 'batch'
          ? get
          : { resource: { resourceType: 'Patient', id: `p${n}` }, request: { method: 'PUT', url: `Patient/p${n}` } },
      )
      const body = JSON.stringify({ resourceType: 'Bundle', type, entry })
      expect(await turnsWhile(tenant.bundle(body))).toBeGreaterThanOrEqual(3)
    }
    await store.close()
  })
})
