/** Submissions where it is hard: lines that no transaction can hold, several processes at the wrong moment, sources that change. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import type { SubmissionOptions } from '../../src/bulk/submit/api.js'
import type { Limits } from '../../src/limits.js'
import type { Tenant } from '../../src/store.js'
import { type Fate, pausing } from '../copy/faults.js'
import { quiet } from '../protocol/hand-clock.js'
import { unavailable } from '../protocol/script.js'
import { failure, outcome } from '../protocol/world.js'
import { type Files, linesOf, makeSubmitWorld, name, patient, resultsOf, stateOf } from './submit-world.js'

/** One manifest of one file, `f.ndjson`. */
async function begun(tenant: Tenant, options: SubmissionOptions = {}, kind?: 'deletions'): Promise<void> {
  await tenant.submissions.begin(name, options)
  await tenant.submissions.add(name, { id: 'm', files: [{ url: 'f.ndjson', kind }] })
  await tenant.submissions.complete(name)
}

const deletions = (...ids: string[]) => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: ids.map((id) => ({ request: { method: 'DELETE', url: `Patient/${id}` } })),
})

describe('lines that together are too much for a transaction are written in several:', () => {
  const ids = Array.from({ length: 30 }, (_, n) => `p${n}`)

  test('deletions, of which a line has many', async () => {
    const files = { 'f.ndjson': linesOf(deletions(...ids.slice(0, 25)), deletions(...ids.slice(25))) }
    const tenant = await makeSubmitWorld(files, 1, 10, { maxTransactionOperations: 20 }).enter()
    for (const id of ids) await tenant.update('Patient', id, patient(id, 1))
    await begun(tenant, {}, 'deletions')
    const { counts, isEnded } = await tenant.submissions.process(name)
    expect({ counts, isEnded }).toMatchObject({ counts: { lines: 2, deleted: 30 }, isEnded: true })
    expect(await stateOf(tenant)).toEqual({})
    await tenant.submissions.abort(name)
    expect(Object.keys(await stateOf(tenant))).toHaveLength(30)
  })

  test('merge patches of what is large', async () => {
    const files = { 'f.ndjson': ids.map((id) => `{"resourceType":"Patient","id":"${id}","n":1}\n`).join('') }
    const limits: Partial<Limits> = { maxTransactionBytes: 5_000, maxBodyBytes: 1_500 }
    const tenant = await makeSubmitWorld(files, 1, 10, limits).enter()
    const text = 'x'.repeat(1_000)
    for (const id of ids) await tenant.update('Patient', id, { ...patient(id, 1), text })
    // One has no room for what is added.
    await tenant.update('Patient', 'p7', { ...patient('p7', 1), text: 'x'.repeat(1_400) })
    await begun(tenant, { mode: 'merge-patch' })
    const { counts, isEnded } = await tenant.submissions.process(name)
    expect({ counts, isEnded }).toMatchObject({
      counts: { lines: 30, updated: 29, processingErrors: 1 },
      isEnded: true,
    })
    expect((await resultsOf(tenant, 'm')).find(({ outcome }) => outcome !== 'success')).toMatchObject({ id: 'p7' })
  })
})

describe('an abort that brings back more than one transaction can hold', () => {
  const limits: Partial<Limits> = { maxTransactionBytes: 5_000, maxBodyBytes: 1_500 }
  const large = (id: string) => ({ ...patient(id, 1), text: 'x'.repeat(1_000) })
  const ids = Array.from({ length: 20 }, (_, n) => `p${n}`)

  async function submitted() {
    const world = makeSubmitWorld({ 'f.ndjson': linesOf(...ids.map((id) => patient(id, 2))) }, 1, 100, limits)
    const tenant = await world.enter()
    for (const id of ids) await tenant.update('Patient', id, large(id))
    await begun(tenant)
    await tenant.submissions.process(name)
    // It was one group, which one revert cannot take back.
    const { entries } = await tenant.history({ type: 'Patient' }, { count: 1 })
    const transaction = entries[0]?.transaction as string
    expect(await outcome(tenant.revert({ transaction }))).toBe('LimitExceeded')
    await tenant.update('Patient', 'p3', patient('p3', 3))
    return { world, tenant }
  }

  const isLarge = (tenant: Tenant) =>
    Promise.all(ids.map(async (id) => (await tenant.read('Patient', id))?.text().includes('xxx')))

  test('does so in several, and leaves alone what others have changed', async () => {
    const { tenant } = await submitted()
    expect(await tenant.submissions.abort(name)).toMatchObject({
      state: 'stopped',
      undone: { transactions: 1, resources: 19, conflicts: 1 },
    })
    expect(await isLarge(tenant)).toEqual(ids.map((id) => id !== 'p3'))
    for (const id of ids) expect((await tenant.versions('Patient', id)).entries).toHaveLength(3)
  })

  test('goes on where a process has died in between', async () => {
    const { world, tenant } = await submitted()
    let reverts = 0
    const { fate, paused } = pausing(
      (method, key) => method === 'createIfAbsent' && /\/log\//.test(key) && ++reverts === 4,
    )
    void outcome((await world.enter(fate)).submissions.abort(name))
    await paused
    world.clock.move(60_000)
    await tenant.submissions.process(name)
    expect(await isLarge(tenant)).toEqual(ids.map((id) => id !== 'p3'))
    for (const id of ids) expect((await tenant.versions('Patient', id)).entries).toHaveLength(3)
  })
})

test('a merge patch that has no room is told also where the process has died that tried it', async () => {
  const files = { 'f.ndjson': ['a', 'b'].map((id) => `{"resourceType":"Patient","id":"${id}","n":1}\n`).join('') }
  const world = makeSubmitWorld(files, 1, 10, { maxBodyBytes: 1_500 })
  const other = await world.enter()
  await other.update('Patient', 'a', patient('a', 1))
  await other.update('Patient', 'b', { ...patient('b', 1), text: 'x'.repeat(1_420) })
  const { fate, paused } = pausing((_, key) => key.includes('/results/'))
  const dying = await world.enter(fate)
  await begun(dying, { mode: 'merge-patch' })
  void outcome(dying.submissions.process(name))
  await paused
  world.clock.move(60_000)
  const { counts } = await other.submissions.process(name)
  expect(counts).toMatchObject({ updated: 1, unchanged: 0, processingErrors: 1 })
})

test('which of two lines for one resource has written is told also where the process has died that wrote it', async () => {
  const world = makeSubmitWorld({ 'f.ndjson': linesOf(patient('a', 1), patient('a', 2)) })
  const other = await world.enter()
  await other.update('Patient', 'a', patient('a', 1))
  const { fate, paused } = pausing((_, key) => key.includes('/results/'))
  const dying = await world.enter(fate)
  await begun(dying)
  void outcome(dying.submissions.process(name))
  await paused
  world.clock.move(60_000)
  await other.submissions.process(name)
  expect((await resultsOf(other, 'm')).map(({ line, op, version }) => [line, op, version])).toEqual([
    [1, undefined, 1],
    [2, 'update', 2],
  ])
})

test('a merge patch without an id makes a resource', async () => {
  const tenant = await makeSubmitWorld({ 'f.ndjson': '{"resourceType":"Patient","n":1}\n' }).enter()
  await begun(tenant, { mode: 'merge-patch' })
  expect(await tenant.submissions.process(name)).toMatchObject({ counts: { created: 1 }, isEnded: true })
})

describe('groups that are written side by side', () => {
  /** Nothing is decided for so long: who has waited for it from the beginning is told that it was not written. */
  async function afterTrouble(files: Files) {
    const world = makeSubmitWorld(files, 1, 1)
    const started = world.clock.now()
    const broken: Fate = async ({ method, key }, proceed) => {
      // The second group begins in the middle of it.
      if (method === 'createIfAbsent' && key.includes('/raw/') && key.includes('00000001'))
        await world.clock.sleep(10_000)
      const isBad = key.startsWith('V#') && world.clock.now() < started + 35_000_000
      return isBad ? E.left(unavailable) : proceed()
    }
    return { world, broken }
  }

  test('are of resources of their own: of two lines for one the later one stands', async () => {
    const { world, broken } = await afterTrouble({ 'f.ndjson': linesOf(patient('a', 1), patient('a', 2)) })
    const tenant = await world.enter(broken)
    await begun(tenant)
    await tenant.submissions.process(name)
    expect(await stateOf(tenant)).toEqual({ 'Patient/a': 2 })
  })

  test('are known to be written, in whatever order, however late another process goes on', async () => {
    const { world, broken } = await afterTrouble({ 'f.ndjson': linesOf(patient('a', 1), patient('b', 1)) })
    let puts = 0
    const dying = pausing((method, key) => method === 'replaceIfMatch' && key.includes('/manifests/') && ++puts === 3)
    const tenant = await world.enter((call, proceed) => broken(call, () => dying.fate(call, proceed)))
    await begun(tenant)
    void outcome(tenant.submissions.process(name))
    await dying.paused
    const other = await world.enter()
    const log = []
    for await (const { transactions } of other.commits()) log.push(...transactions.flatMap(({ events }) => events))
    expect(log.map(({ id }) => id)).toEqual(['b', 'a'])
    // The receipts are gone by then.
    world.clock.move(3 * 24 * 60 * 60 * 1000)
    await other.update('Patient', 'b', patient('b', 9))
    const { counts, isEnded } = await other.submissions.process(name)
    expect({ counts, isEnded }).toMatchObject({ counts: { lines: 2, created: 2 }, isEnded: true })
    expect(await stateOf(other)).toEqual({ 'Patient/a': 1, 'Patient/b': 9 })
  })
})

test.each<[SubmissionOptions]>([[{ continueOnError: false }], [{ maxErrors: 1 }]])(
  'lines behind the errors that end a manifest (%o) are not written, by another process either',
  async (options) => {
    const bad = options.continueOnError === false ? '{}\n' : '{}{}\n{}\n'
    const world = makeSubmitWorld({ 'f.ndjson': linesOf(patient('a', 1)) + bad + linesOf(patient('b', 1)) }, 1, 1)
    let moves = 0
    const dying = pausing(
      (method, key) =>
        method === 'replaceIfMatch' && key.includes('/manifests/') && ++moves === (bad.length > 3 ? 5 : 4),
    )
    const tenant = await world.enter(dying.fate)
    await begun(tenant, options)
    void outcome(tenant.submissions.process(name))
    await dying.paused
    const other = await world.enter()
    const told = await other.submissions.status(name)
    expect(told?.counts).toMatchObject({ created: 1, validationErrors: bad.length > 3 ? 2 : 1 })
    expect(await stateOf(other)).toEqual({ 'Patient/a': 1 })
    world.clock.move(60_000)
    const { manifests } = await other.submissions.process(name)
    expect(manifests).toMatchObject([{ state: 'failed' }])
    expect(await stateOf(other)).toEqual({ 'Patient/a': 1 })
  },
)

describe('a file that has changed when another process goes on with it', () => {
  const ids = 'abcdef'.split('')

  test.each([
    ['in what it says', linesOf(...ids.map((id) => patient(`other-${id}`, 1)))],
    ['in its length', linesOf(patient('a', 1))],
  ])('%s is no more read', async (_, text) => {
    const files: Files = { 'f.ndjson': linesOf(...ids.map((id) => patient(id, 1))) }
    const world = makeSubmitWorld(files, 1, 1)
    const tenant = await world.enter()
    // One group after the other: nothing is kept yet of the one that comes next.
    await begun(tenant, { continueOnError: false })
    const { fate, paused } = pausing((_, key) => key.includes('/raw/') && key.includes('00000005'))
    void outcome((await world.enter(fate)).submissions.process(name))
    await paused
    files['f.ndjson'] = text
    world.clock.move(60_000)
    const { manifests } = await tenant.submissions.process(name)
    expect(manifests).toMatchObject([{ state: 'failed', files: [{ isDone: true }] }])
    expect(manifests[0]?.files[0]?.problem).toContain('not what it was')
    expect(ids).toEqual(expect.arrayContaining(Object.keys(await stateOf(tenant)).map((ref) => ref.split('/')[1])))
  })
})

describe('a manifest in the place of another', () => {
  const files = { '1.ndjson': linesOf(patient('a', 1)), '2.ndjson': linesOf(patient('a', 1), patient('b', 1)) }

  async function replacing(fate: Fate) {
    const world = makeSubmitWorld(files)
    const other = await world.enter()
    await other.submissions.begin(name)
    await other.submissions.add(name, { id: 'one', files: [{ url: '1.ndjson' }] })
    await other.submissions.process(name)
    return { other, slow: await world.enter(fate) }
  }

  const two = { id: 'two', files: [{ url: '2.ndjson' }], replaces: 'one' }

  test('is processed when what the other did is taken back, and not before', async () => {
    const { fate, paused, wake } = pausing((method, key) => method === 'createIfAbsent' && key.includes('/log/'))
    const { other, slow } = await replacing(fate)
    await other.submissions.add(name, two)
    const taking = slow.submissions.process(name)
    await paused
    await other.submissions.process(name, { wait: false })
    wake()
    await taking
    await other.submissions.process(name)
    expect(await stateOf(other)).toEqual({ 'Patient/a': 1, 'Patient/b': 1 })
  })

  test('takes it wherever the process dies that has added it', async () => {
    const { fate, paused } = pausing((method, key) => method === 'replaceIfMatch' && key.includes('/manifests/one'))
    const { other, slow } = await replacing(fate)
    void outcome(slow.submissions.add(name, two))
    await paused
    const { manifests } = await other.submissions.process(name)
    expect(manifests.map(({ state }) => state)).toEqual(['replaced', 'completed'])
    expect(await stateOf(other)).toEqual({ 'Patient/a': 1, 'Patient/b': 1 })
  })

  test('is another one where its files are others', async () => {
    const { other } = await replacing((_, proceed) => proceed())
    const same = await other.submissions.add(name, { id: 'one', files: [{ url: '1.ndjson' }] })
    expect(same.state).toBe('completed')
    const add = other.submissions.add(name, { id: 'one', files: [{ url: '2.ndjson' }] })
    expect(await failure(add)).toMatchObject({ _tag: 'InvalidInput', data: { what: 'manifest' } })
  })
})

describe('who is at work on a manifest', () => {
  const files = { 'f.ndjson': linesOf(patient('a', 1), patient('b', 1)) }

  test('keeps others from it for as long as it lives, however long a group takes', async () => {
    const world = makeSubmitWorld(files, 1, 1)
    const slow = await world.enter(async ({ key, method }, proceed) => {
      if (key.includes('/raw/') && method === 'createIfAbsent') await world.clock.sleep(40_000)
      return proceed()
    })
    await begun(slow)
    const kept: string[] = []
    const other = await world.enter(async ({ key, method }, proceed) => {
      if (key.includes('/raw/') && method === 'createIfAbsent') kept.push(key)
      return proceed()
    })
    const processing = slow.submissions.process(name)
    await world.clock.sleep(5_000)
    await other.submissions.process(name)
    expect(kept).toEqual([])
    expect(await processing).toMatchObject({ isEnded: true, counts: { created: 2 } })
  })

  test('stops when another has it, and does not end it', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `p${n}`)
    const text = linesOf(...ids.map((id) => ({ ...patient(id, 1), text: 'x'.repeat(300) })))
    // The older one has a connection that ends too early.
    const world = makeSubmitWorld({ 'f.ndjson': { text, cut: 5_000 } }, 1, 1)
    const { fate, paused, wake } = pausing((_, key) => key.includes('/raw/'))
    const zombie = await world.enter(fate)
    await begun(zombie)
    const stale = outcome(zombie.submissions.process(name))
    await paused
    world.files['f.ndjson'] = text
    world.clock.move(60_000)
    const next = pausing((_, key) => key.includes('/raw/') && key.includes('00000009'))
    const other = await world.enter(next.fate)
    const processing = other.submissions.process(name)
    await next.paused
    wake()
    await quiet()
    next.wake()
    expect(await processing).toMatchObject({ isEnded: true, counts: { created: 20 } })
    await stale
  })
})

test('a store that is closed ends what it processes', async () => {
  const world = makeSubmitWorld({ 'f.ndjson': linesOf(...[...'abcdef'].map((id) => patient(id, 1))) }, 1, 1)
  const { fate, paused, wake } = pausing((_, key) => key.includes('/raw/') && key.includes('00000002'))
  const store = await world.open(fate)
  const tenant = await store.tenant('t')
  await begun(tenant)
  const processing = outcome(tenant.submissions.process(name))
  await paused
  const closing = store.close()
  wake()
  await closing
  expect(await processing).toBe('Cancelled')
  const other = await world.enter()
  expect(await other.submissions.process(name)).toMatchObject({ isEnded: true, counts: { created: 6 } })
})

describe('a worker', () => {
  const files = { 'f.ndjson': linesOf(...Array.from({ length: 20 }, (_, n) => patient(`p${n}`, 1))) }

  test('takes up what is added while another submission takes long', async () => {
    const world = makeSubmitWorld(files)
    const { fate, paused, wake } = pausing((_, key) => key.includes('/raw/'))
    let isFirst = true
    const store = await world.open((call, proceed) => {
      const isMeant = isFirst && call.key.includes('/raw/')
      if (isMeant) isFirst = false
      return isMeant ? fate(call, proceed) : proceed()
    })
    const tenant = await store.tenant('t')
    await begun(tenant)
    const worker = store.submissions.work()
    await paused
    const quick = { ...name, submission: 'quick' }
    await tenant.submissions.begin(quick)
    await tenant.submissions.add(quick, { files: [{ url: 'f.ndjson' }] })
    await tenant.submissions.complete(quick)
    worker.wake()
    for (let looks = 0; !(await tenant.submissions.status(quick))?.isEnded; looks++) {
      if (looks > 100) throw new Error('it waits for the other')
      await world.clock.sleep(1_000)
    }
    wake()
    await worker.stop()
  })

  test('takes up what other tenants have before all that one has', async () => {
    const world = makeSubmitWorld(files)
    const order: string[] = []
    const store = await world.open(async ({ key, method }, proceed) => {
      if (method === 'createIfAbsent' && key.includes('/raw/')) {
        order.push(key.split('/')[0] as string)
        await world.clock.sleep(1_000)
      }
      return proceed()
    })
    for (const [tenant, submission] of [...'12345'].map((n) => ['a', n]).concat([['b', '1']]) as [string, string][]) {
      const { submissions } = await store.tenant(tenant)
      await submissions.begin({ ...name, submission })
      await submissions.add({ ...name, submission }, { files: [{ url: 'f.ndjson' }] })
    }
    const worker = store.submissions.work()
    while (order.length < 6) await world.clock.sleep(1_000)
    await worker.stop()
    expect(order.indexOf('b')).toBeLessThan(3)
  })

  test('that is stopped leaves what it takes back where it is, and another goes on', async () => {
    const world = makeSubmitWorld(files, 1, 1)
    const other = await world.enter()
    await begun(other)
    await other.submissions.process(name)
    const dying = pausing((_, key) => key.startsWith('L#'))
    void outcome((await world.enter(dying.fate)).submissions.abort(name))
    await dying.paused
    let stopped: Promise<void> | undefined
    let commits = 0
    const store = await world.open(async ({ method, key }, proceed) => {
      if (method === 'createIfAbsent' && key.includes('/log/') && ++commits === 5) stopped = worker.stop()
      return proceed()
    })
    const worker = store.submissions.work()
    while (stopped === undefined) await world.clock.sleep(1_000)
    await stopped
    expect(commits).toBeLessThan(10)
    expect(await other.submissions.process(name)).toMatchObject({ state: 'stopped', undone: { resources: 20 } })
    expect(await stateOf(other)).toEqual({})
  })
})
