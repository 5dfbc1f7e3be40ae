/** A submission is processed to its end, or taken back whole, wherever a process dies or pauses: no line twice, none lost. */
import { describe, expect, test } from 'vitest'
import { storeManifestKey } from '../../domain/keys.js'
import type { SubmissionOptions } from '../../src/bulk/submit/api.js'
import type { Tenant } from '../../src/store.js'
import { dying } from '../copy/faults.js'
import { outcome } from '../protocol/world.js'
import { linesOf, makeSubmitWorld, name, patient, resultsOf, type SubmitWorld, stateOf } from './submit-world.js'

const files = {
  '1.ndjson': linesOf(patient('a', 2), patient('b', 2), { resourceType: 'Patient' }, patient('a', 3), patient('c', 1)),
  '2.ndjson': linesOf(patient('d', 1), { resourceType: 'Nonsense' }, patient('b', 3)),
}
/** Of two lines each. */
const groupLines = 2

async function ready(options: SubmissionOptions, partitions: number): Promise<SubmitWorld> {
  const world = makeSubmitWorld(files, partitions, groupLines)
  const tenant = await world.enter()
  await tenant.update('Patient', 'a', patient('a', 1))
  await tenant.submissions.begin(name, options)
  for (const url of Object.keys(files)) await tenant.submissions.add(name, { id: url, files: [{ url }] })
  await tenant.submissions.complete(name)
  return world
}

/** What is there in the end, and what is told of each line; ids that the lines did not have are the same in every run. */
async function ended(tenant: Tenant) {
  const results = []
  for (const url of Object.keys(files))
    results.push(
      (await resultsOf(tenant, url)).map(({ line, outcome, op, id, version }) => [line, outcome, op, id, version]),
    )
  const { counts, isEnded } = (await tenant.submissions.status(name)) ?? {}
  return { state: await stateOf(tenant), results, counts, isEnded }
}

async function requestsOf(tenant: Tenant): Promise<string[]> {
  const found: string[] = []
  for await (const { transactions } of tenant.commits())
    for (const { request } of transactions) if (request !== undefined) found.push(request)
  return found
}

/** `stride`: at which calls processes die, the first or each so many. */
const variants: [string, SubmissionOptions, number, number][] = [
  ['plain', {}, 1, 1],
  ['over several logs', {}, 3, 5],
  ['of merge patches', { mode: 'merge-patch' }, 1, 3],
  ['that only creates', { mode: 'create-only' }, 1, 3],
]

describe.each(variants)('a submission %s', (_, options, partitions, stride) => {
  test.each([
    ['before', false],
    ['after', true],
  ])(
    'whose process dies %s any call is gone on with by another',
    async (_, happens) => {
      const whole = await (await ready(options, partitions)).enter()
      await whole.submissions.process(name)
      const expected = await ended(whole)
      expect(expected).toMatchObject({ isEnded: true })
      for (let step = 0, passes = false; !passes; step++) {
        const world = await ready(options, partitions)
        const { fate, died, isDead } = dying(step, happens)
        const entering = world.enter(fate)
        const running = entering.then((tenant) => outcome(tenant.submissions.process(name)))
        await Promise.race([running, died])
        passes = !isDead()
        // A lease of the dead ends by itself.
        world.clock.move(60_000)
        const next = await world.enter()
        await next.submissions.process(name)
        expect(await ended(next), `call ${step}`).toEqual(expected)
        const requests = await requestsOf(next)
        expect(new Set(requests).size, `call ${step}`).toBe(requests.length)
        if (passes) expect(step).toBeGreaterThan(30)
      }
    },
    120_000,
  )

  test('that is aborted is taken back whole, wherever the one or the other process dies', async () => {
    let wasBegun = 0
    for (let step = 0, passes = false; !passes; step += stride) {
      const world = await ready(options, partitions)
      const processing = dying(step, true)
      const entered = world.enter(processing.fate)
      await Promise.race([entered.then((tenant) => outcome(tenant.submissions.process(name))), processing.died])
      const aborting = dying(step, step % 2 === 0)
      const second = world.enter(aborting.fate)
      await Promise.race([second.then((tenant) => outcome(tenant.submissions.abort(name))), aborting.died])
      passes = !processing.isDead() && !aborting.isDead()
      world.clock.move(60_000)
      const next = await world.enter()
      await next.submissions.abort(name)
      world.clock.move(60_000)
      const status = await next.submissions.process(name)
      expect(status, `call ${step}`).toMatchObject({ state: 'stopped', isEnded: true, undone: { conflicts: 0 } })
      expect(await stateOf(next), `call ${step}`).toEqual({ 'Patient/a': 1 })
      wasBegun += status.undone?.transactions ?? 0
    }
    expect(wasBegun).toBeGreaterThan(0)
  }, 120_000)
})

test('a process that pauses at any call writes nothing more of a submission that was aborted meanwhile', async () => {
  for (let step = 0, passes = false; !passes; step++) {
    const world = await ready({}, 1)
    let calls = 0
    let wake = (): void => undefined
    let tell = (): void => undefined
    const sleep = new Promise<void>((resolve) => {
      wake = resolve
    })
    const paused = new Promise<void>((resolve) => {
      tell = resolve
    })
    const entering = world.enter(async ({ key }, proceed) => {
      if (key !== storeManifestKey && calls++ >= step) {
        tell()
        await sleep
      }
      return proceed()
    })
    const running = entering.then((zombie) => outcome(zombie.submissions.process(name)))
    await Promise.race([running, paused])
    passes = calls <= step
    const next = await world.enter()
    await next.submissions.abort(name)
    const state = await stateOf(next)
    expect(state, `call ${step}`).toEqual({ 'Patient/a': 1 })
    wake()
    // It hears that the submission is stopped, which is no failure of its own.
    expect(await running, `call ${step}`).toMatchObject({ submission: name.submission })
    expect(await stateOf(next), `call ${step}`).toEqual(state)
    expect(await next.submissions.status(name), `call ${step}`).toMatchObject({ state: 'stopped' })
  }
}, 120_000)

test('manifests that several processes work at are each processed once, and counted right', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 6 }, (_, m) => [
      `${m}.ndjson`,
      linesOf(...Array.from({ length: 25 }, (_, n) => patient(`p${(m * 7 + n) % 60}`, m))),
    ]),
  )
  const world = makeSubmitWorld(many, 1, 4)
  const tenants = await Promise.all([1, 2, 3].map(() => world.enter()))
  const [first] = tenants as [Tenant]
  await first.submissions.begin(name)
  for (const url of Object.keys(many)) await first.submissions.add(name, { id: url, files: [{ url }] })
  await first.submissions.complete(name)
  await Promise.all(tenants.map((tenant) => tenant.submissions.process(name)))
  const { counts, isEnded, manifests } = await first.submissions.process(name)
  expect(isEnded).toBe(true)
  expect(manifests.map(({ state, counts }) => [state, counts.lines])).toEqual(Array(6).fill(['completed', 25]))
  expect(counts).toMatchObject({ lines: 150, validationErrors: 0, processingErrors: 0 })
  expect(counts.created + counts.updated + counts.unchanged).toBe(150)
  let written = 0
  for await (const { transactions } of first.commits())
    for (const { events } of transactions) written += events.filter(({ type }) => type === 'Patient').length
  expect(counts.created + counts.updated).toBe(written)
  const requests = await requestsOf(first)
  expect(new Set(requests).size).toBe(requests.length)
})

test('workers process what is added, go on with what the dead have left, and forget what has no work', async () => {
  const world = await ready({}, 1)
  const dead = dying(60, true)
  const entered = world.enter(dead.fate)
  await Promise.race([entered.then((tenant) => outcome(tenant.submissions.process(name))), dead.died])
  expect(dead.isDead()).toBe(true)
  const store = await world.open()
  const failures: unknown[] = []
  const worker = store.submissions.work({ lookMs: 1_000, onFailure: (error) => failures.push(error) })
  const tenant = await store.tenant('t')
  const status = await tenant.submissions.process(name)
  expect(status).toMatchObject({ isEnded: true, hasWork: false })
  await tenant.submissions.abort(name)
  expect(await stateOf(tenant)).toEqual({ 'Patient/a': 1 })
  while ((await world.offered()) > 0) await new Promise((resolve) => setImmediate(resolve))
  await worker.stop()
  expect(failures).toEqual([])
  await store.close()
})
