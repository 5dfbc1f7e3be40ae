/** What callers of sagas rely on. */

import * as E from 'fp-ts/lib/Either.js'
import { expect, test } from 'vitest'
import type { SagaStep } from '../../src/saga/api.js'
import { fenceType } from '../../src/saga/fence.js'
import { unavailable } from '../protocol/script.js'
import { failure } from '../protocol/world.js'
import { after, before, conflicting, contentsOf, makePlace, steps } from './place.js'

test('a saga applies every step and leaves nothing else in the tenants', async () => {
  const place = await makePlace()
  const store = await place.open()
  const report = await store.saga(steps, { id: 's', actor: 'ann' })
  expect(report.state).toBe('completed')
  expect(report.steps.map(({ outcome }) => outcome)).toEqual(['applied', 'applied', 'applied'])
  expect(await contentsOf(place)).toEqual(after)
  expect((await (await store.tenant('a')).history({ type: fenceType })).entries).toEqual([])
  expect(await store.sagas.report('s')).toEqual(report)
})

test('a conflict takes back what was applied, and the report says which step it was', async () => {
  const place = await makePlace()
  const report = await (await place.open()).saga(conflicting)
  expect(report.state).toBe('compensated')
  expect(report.steps.map(({ outcome }) => outcome)).toEqual([...Array(3).fill('compensated'), 'not-applied'])
  expect(report.steps[3]).toMatchObject({ why: expect.stringContaining('at version 1') })
  expect(await contentsOf(place)).toEqual(before)
})

test('steps that wrote the same resource are taken back one by one', async () => {
  const place = await makePlace()
  const write = (text: string): SagaStep => ({
    tenant: 'a',
    operations: [{ op: 'update', type: 'Note', id: 'n', body: { text } }],
  })
  const conflict: SagaStep = { tenant: 'b', operations: [{ op: 'create', type: 'Note', id: 'n', body: {} }] }
  const report = await (await place.open()).saga([write('1'), write('2'), write('3'), conflict])
  expect(report.state).toBe('compensated')
  expect(await contentsOf(place)).toEqual(before)
})

test('the same id is the same saga, and no other', async () => {
  const place = await makePlace()
  const store = await place.open()
  const report = await store.saga(steps, { id: 's' })
  expect(await (await place.open()).saga(steps, { id: 's' })).toEqual(report)
  expect(await failure(store.saga(conflicting, { id: 's' }))).toMatchObject({ _tag: 'InvalidInput' })
  expect(await contentsOf(place)).toEqual(after)
})

test('what others have changed since makes it stuck, and says what; force takes it back', async () => {
  for (const [onConflict, state] of [
    ['fail', 'stuck'],
    ['force', 'compensated'],
  ] as const) {
    const place = await makePlace()
    const other = await (await place.open()).tenant('a')
    let isDone = false
    // Somebody writes as soon as the decision to turn back is made.
    const store = await place.open(async ({ method, key }, proceed) => {
      if (key.includes('/state.json') && method === 'createIfAbsent' && !isDone) {
        isDone = true
        await other.update('Note', 'n', { text: 'other' })
      }
      return proceed()
    })
    const report = await store.saga(conflicting, { id: 's', onConflict })
    expect(report.state).toBe(state)
    expect(report.steps[0]).toMatchObject(
      state === 'stuck'
        ? { outcome: 'could-not-compensate', conflicts: [{ type: 'Note', id: 'n', actual: 3 }] }
        : { outcome: 'compensated' },
    )
    expect(await store.sagas.list({ state })).toEqual([report])
    expect((await contentsOf(place))['b/n']).toBe('{"text":"before"}')
  }
})

test('a cancelled saga applies nothing more', async () => {
  const place = await makePlace()
  const stop = new AbortController()
  const store = await place.open(async ({ method, key }, proceed) => {
    if (method === 'createIfAbsent' && key.startsWith('b/log')) stop.abort()
    return proceed()
  })
  const { state, steps: said } = await store.saga(steps, { signal: stop.signal })
  expect([state, ...said.map(({ outcome }) => outcome)]).toEqual([
    'compensated',
    'compensated',
    'compensated',
    'not-applied',
  ])
  expect(await contentsOf(place)).toEqual(before)
})

test('a tenant that cannot be reached until the deadline turns it back; a store that cannot leaves it unknown', async () => {
  const place = await makePlace()
  let isDown = (key: string): boolean => key.startsWith('b/log')
  const store = await place.open(async ({ method, key }, proceed) =>
    method === 'createIfAbsent' && isDown(key) ? E.left(unavailable) : proceed(),
  )
  const began = place.clock.now()
  const report = await store.saga(steps, { id: 's', deadlineMs: 5_000 })
  expect(report.state).toBe('compensating')
  expect(report.steps.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'unknown'])
  expect(place.clock.now() - began).toBeLessThan(200_000_000)
  isDown = () => false
  expect(await (await place.open()).sagas.resume('s')).toMatchObject({ state: 'compensated' })
  expect(await contentsOf(place)).toEqual(before)
})

test('a saga is resumed days later, when no receipt is left', async () => {
  const place = await makePlace()
  let die = (): void => undefined
  const died = new Promise<void>((resolve) => {
    die = resolve
  })
  let isDead = false
  const store = await place.open(async ({ method, key }, proceed) => {
    isDead ||= method === 'createIfAbsent' && key.startsWith('b/log')
    if (!isDead) return proceed()
    die()
    return new Promise(() => undefined)
  })
  void store.saga(steps, { id: 's' })
  await died
  place.clock.move(3 * 86_400_000)
  expect(await (await place.open()).sagas.resumeAll()).toMatchObject([{ state: 'compensated' }])
  expect(await contentsOf(place)).toEqual(before)
})

test('journals are no tenants', async () => {
  const place = await makePlace()
  const store = await place.open()
  await store.saga(steps)
  const names: string[] = []
  for await (const name of store.tenants()) names.push(name)
  expect(names).toEqual(['a', 'b', 'c'])
})
