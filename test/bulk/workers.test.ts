/** Workers on bulk jobs: when they look, and that they stop. */
import { expect, test } from 'vitest'
import { makeBulkWorkers } from '../../src/bulk/workers.js'
import { handClock, quiet } from '../protocol/hand-clock.js'

test('a worker looks at its pace, and at once when it is woken', async () => {
  const clock = handClock()
  clock.byHand()
  const workers = makeBulkWorkers(clock)
  let looks = 0
  const worker = workers.begin({ lookMs: 1_000 }, async () => void looks++)
  await quiet()
  expect(looks).toBe(1)
  clock.move(999)
  await quiet()
  expect(looks).toBe(1)
  worker.wake()
  await quiet()
  expect(looks).toBe(2)
  clock.move(1_000)
  await quiet()
  expect(looks).toBe(3)
  await workers.close()
  worker.wake()
  clock.move(1_000)
  await quiet()
  expect(looks).toBe(3)
})
