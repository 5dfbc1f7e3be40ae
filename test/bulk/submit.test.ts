/** Bulk submissions: what becomes of lines, files, manifests, and of all of it when it is taken back. */
import { describe, expect, test } from 'vitest'
import type { SubmissionOptions } from '../../src/bulk/submit/api.js'
import type { Tenant } from '../../src/store.js'
import { failure } from '../protocol/world.js'
import {
  allOf,
  conflictsOf,
  type Files,
  linesOf,
  makeSubmitWorld,
  name,
  patient,
  resultsOf,
  stateOf,
} from './submit-world.js'

/** A submission of one manifest whose files are those given, processed. */
async function submitted(files: Files, options: SubmissionOptions = {}, before?: (tenant: Tenant) => Promise<unknown>) {
  const world = makeSubmitWorld(files)
  const tenant = await world.enter()
  await before?.(tenant)
  await tenant.submissions.begin(name, options)
  await tenant.submissions.add(name, { id: 'm', files: Object.keys(files).map((url) => ({ url })) })
  await tenant.submissions.complete(name)
  return { world, tenant, status: await tenant.submissions.process(name) }
}

const outcomesOf = async (tenant: Tenant, file = 0) =>
  (await resultsOf(tenant, 'm', file)).map(
    ({ line, outcome, op, type, id, version, issue }) =>
      `${line} ${outcome}${type === undefined ? '' : ` ${op ?? '-'} ${type}/${id}@${version}`}${issue === undefined ? '' : `: ${issue.code}`}`,
  )

const withPatient = async (tenant: Tenant) => tenant.update('Patient', 'a', patient('a', 1))

describe('lines', () => {
  test('become versions of their resources, and what they say already is left alone', async () => {
    const { tenant, status } = await submitted(
      { 'f.ndjson': linesOf(patient('a', 1), patient('b', 1), patient('a', 2)) },
      { actor: 'ann', reason: 'intake' },
      withPatient,
    )
    expect(await outcomesOf(tenant)).toEqual([
      '1 success - Patient/a@1',
      '2 success create Patient/b@1',
      '3 success update Patient/a@2',
    ])
    expect(status).toMatchObject({
      state: 'completed',
      isEnded: true,
      counts: { lines: 3, created: 1, updated: 1, unchanged: 1, validationErrors: 0 },
      manifests: [{ id: 'm', state: 'completed' }],
    })
    expect(await stateOf(tenant)).toEqual({ 'Patient/a': 2, 'Patient/b': 1 })
    expect((await tenant.history({ type: 'Patient', id: 'b' })).entries[0]).toMatchObject({
      actor: 'ann',
      reason: 'intake',
    })
  })

  test('that cannot be are told one by one, and the rest goes on', async () => {
    const { tenant, status } = await submitted({
      'f.ndjson': `${[
        '{"resourceType":"Patient","id":"a"}',
        '{"resourceType":"Patient","id":"a"',
        '',
        '{"resourceType":"Nonsense","id":"a"}',
        '{"id":"a"}',
        '{"resourceType":"Patient","id":"../../x"}',
        '{"resourceType":"Patient","id":7}',
        '{"resourceType":"Patient","id":"a","id":"b"}',
        '[1]',
        '<html>',
        '{"resourceType":"Patient","id":"z"}',
      ].join('\n')}`,
    })
    expect(await outcomesOf(tenant)).toEqual([
      '1 success create Patient/a@1',
      '2 validation-error: structure',
      '4 validation-error: not-supported',
      '5 validation-error: structure',
      '6 validation-error: value',
      '7 validation-error: value',
      '8 validation-error: structure',
      '9 validation-error: structure',
      '10 validation-error: structure',
      '11 success create Patient/z@1',
    ])
    expect(status.counts).toMatchObject({ lines: 10, created: 2, validationErrors: 8 })
  })

  test('without an id get one that the same line always gets', async () => {
    const line = '{"resourceType":"Patient","active":true}\n'
    const ids = []
    for (let run = 0; run < 2; run++) {
      const { tenant } = await submitted({ 'f.ndjson': line.repeat(2) })
      ids.push((await resultsOf(tenant, 'm')).map(({ id }) => id))
    }
    expect(new Set(ids[0]).size).toBe(2)
    expect(ids[0]).toEqual(ids[1])
  })

  test('of a merge patch change what they name, and no digit of the rest', async () => {
    const { tenant } = await submitted(
      {
        'f.ndjson': [
          '{"resourceType":"Patient","id":"a","active":null,"x":{"b":2.50}}',
          '{"resourceType":"Patient","id":"a","y":1.0}',
          '{"resourceType":"Patient","id":"new","y":null,"z":1.10}',
        ].join('\n'),
      },
      { mode: 'merge-patch' },
      (tenant) =>
        tenant.update('Patient', 'a', '{"resourceType":"Patient","id":"a","active":true,"x":{"a":1.10,"b":1}}'),
    )
    expect((await tenant.read('Patient', 'a'))?.text()).toContain('"x":{"a":1.10,"b":2.50}')
    expect((await tenant.read('Patient', 'a'))?.text()).toContain('"y":1.0')
    expect((await tenant.read('Patient', 'a'))?.text()).not.toContain('active')
    expect((await tenant.read('Patient', 'new'))?.text()).toContain('"z":1.10')
    expect((await tenant.read('Patient', 'new'))?.text()).not.toContain('"y"')
  })

  test.each([
    [{ mode: 'create-only' }],
    [{ allowUpdates: false }],
    [{ mode: 'merge-patch', allowUpdates: false }],
  ] as const)('of resources that exist are skipped with %o', async (options) => {
    const { tenant, status } = await submitted(
      { 'f.ndjson': linesOf(patient('a', 2), patient('b', 1), patient('b', 2)) },
      options,
      withPatient,
    )
    expect(await outcomesOf(tenant)).toEqual([
      '1 skipped - Patient/a@1: duplicate',
      '2 success create Patient/b@1',
      '3 skipped - Patient/b@1: duplicate',
    ])
    expect(status.counts).toMatchObject({ created: 1, skipped: 2 })
  })

  test('of deletions delete, also what is not there', async () => {
    const bundle = (...urls: string[]) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: urls.map((url) => ({ request: { method: 'DELETE', url } })),
    })
    const world = makeSubmitWorld({ 'd.ndjson': linesOf(bundle('Patient/a', 'Patient/none'), bundle('Patient?x=1')) })
    const tenant = await world.enter()
    await withPatient(tenant)
    await tenant.submissions.begin(name)
    await tenant.submissions.add(name, { id: 'm', files: [{ url: 'd.ndjson', kind: 'deletions' }] })
    const { counts } = await tenant.submissions.process(name)
    expect(counts).toMatchObject({ lines: 2, deleted: 1, unchanged: 1, validationErrors: 1 })
    expect(await stateOf(tenant)).toEqual({})
  })

  test('end their manifest where errors are not to be passed over, or are too many', async () => {
    const text = linesOf(patient('a', 1), { resourceType: 'Nonsense' }, patient('b', 1), { id: 'x' }, patient('c', 1))
    const strict = await submitted({ 'f.ndjson': text }, { continueOnError: false })
    expect(strict.status.manifests[0]).toMatchObject({ state: 'failed', error: expect.stringContaining('failed') })
    expect(await stateOf(strict.tenant)).toEqual({ 'Patient/a': 1 })
    const bounded = await submitted({ 'f.ndjson': text, 'g.ndjson': linesOf(patient('d', 1)) }, { maxErrors: 1 })
    expect(bounded.status.manifests[0]).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('more than 1'),
    })
    expect(await stateOf(bounded.tenant)).not.toHaveProperty('Patient/d')
  })
})

describe('a file', () => {
  test('that is not there, or ends too early, is told, and the others are read', async () => {
    const text = linesOf(...Array.from({ length: 2_500 }, (_, n) => patient(`p${n}`, n)))
    const world = makeSubmitWorld({
      'cut.ndjson': { text, cut: text.length - 10 },
      'b.ndjson': linesOf(patient('b', 1)),
    })
    const tenant = await world.enter()
    await tenant.submissions.begin(name)
    const files = [{ url: 'none.ndjson' }, { url: 'cut.ndjson' }, { url: 'b.ndjson', count: 2, type: 'Patient' }]
    await tenant.submissions.add(name, { id: 'm', files })
    const { manifests } = await tenant.submissions.process(name)
    expect(manifests[0]).toMatchObject({
      state: 'failed',
      files: [
        { problem: expect.stringContaining('no such file') },
        { problem: expect.stringContaining('nothing behind line 2000'), counts: { lines: 2_000 } },
        { problem: expect.stringContaining('its manifest says 2'), counts: { lines: 1, created: 1 } },
      ],
    })
  })

  test('holds resources of the type that its manifest says', async () => {
    const world = makeSubmitWorld({ 'f.ndjson': linesOf(patient('a', 1), { resourceType: 'Group', id: 'g' }) })
    const tenant = await world.enter()
    await tenant.submissions.begin(name)
    await tenant.submissions.add(name, { id: 'm', files: [{ url: 'f.ndjson', type: 'Patient' }] })
    await tenant.submissions.process(name)
    expect(await outcomesOf(tenant)).toEqual(['1 success create Patient/a@1', '2 validation-error: value'])
  })

  test.each(['packed', 'each-line'] as const)('is kept as it came, with results and changes, %s', async (keep) => {
    const lines = linesOf(...Array.from({ length: 3 }, (_, n) => patient(`p${n}`, n)))
    const { world, tenant } = await submitted({ 'f.ndjson': `${lines}{"cut":` }, { keep })
    const kept = (part: string) => new Set(world.puts.filter((key) => key.includes(`/${part}/`)))
    expect([kept('raw').size, kept('results').size, kept('changes').size]).toEqual(
      keep === 'packed' ? [1, 1, 1] : [4, 4, 3],
    )
    expect(await resultsOf(tenant, 'm')).toHaveLength(4)
  })

  test('of 10,000 lines takes less than 100 puts', async () => {
    const { world, status } = await submitted({
      'f.ndjson': linesOf(...Array.from({ length: 10_000 }, (_, n) => patient(`p${n}`, n))),
    })
    expect(status.counts.created).toBe(10_000)
    expect(world.puts.length).toBeLessThan(100)
  })
})

describe('a manifest', () => {
  test('at a URL is read once, and names its files', async () => {
    const world = makeSubmitWorld({ 'm.json': '[{"url":"f.ndjson"}]', 'f.ndjson': linesOf(patient('a', 1)) })
    const tenant = await world.enter()
    await tenant.submissions.begin(name)
    await tenant.submissions.add(name, { url: 'm.json', headers: { authorization: 'secret' } })
    await tenant.submissions.add(name, { url: 'none.json' })
    const { manifests } = await tenant.submissions.process(name)
    expect(manifests).toMatchObject([
      { url: 'm.json', state: 'completed', counts: { created: 1 } },
      { url: 'none.json', state: 'failed', error: 'there is no such manifest' },
    ])
    expect(JSON.stringify(await tenant.submissions.status(name))).not.toContain('secret')
  })

  test('takes the place of another, whose changes are taken back', async () => {
    const world = makeSubmitWorld({
      '1.ndjson': linesOf(patient('a', 2), patient('b', 2)),
      '2.ndjson': linesOf(patient('a', 3)),
    })
    const tenant = await world.enter()
    await withPatient(tenant)
    await tenant.submissions.begin(name)
    await tenant.submissions.add(name, { id: 'one', files: [{ url: '1.ndjson' }] })
    await tenant.submissions.process(name)
    await tenant.submissions.add(name, { id: 'two', files: [{ url: '2.ndjson' }], replaces: 'one' })
    const { manifests, counts } = await tenant.submissions.process(name)
    expect(manifests).toMatchObject([{ state: 'replaced', undone: { resources: 2 } }, { state: 'completed' }])
    expect(counts).toMatchObject({ lines: 1, updated: 1 })
    expect(await stateOf(tenant)).toEqual({ 'Patient/a': 3 })
    await tenant.submissions.discard(name, 'two')
    expect(await stateOf(tenant)).toEqual({ 'Patient/a': 1 })
  })

  test('is refused where it says nothing, too much, or comes too late', async () => {
    const tenant = await makeSubmitWorld({}).enter()
    const refused = async (step: Promise<unknown>) => (await failure(step))._tag
    expect(await refused(tenant.submissions.add(name, { files: [] }))).toBe('InvalidInput')
    await tenant.submissions.begin(name, { maxErrors: 3 })
    expect(await refused(tenant.submissions.begin(name, { maxErrors: 4 }))).toBe('InvalidInput')
    expect(await refused(tenant.submissions.begin(name, { mode: 'other' as never }))).toBe('InvalidInput')
    expect(await refused(tenant.submissions.add(name, {}))).toBe('InvalidInput')
    expect(await refused(tenant.submissions.add(name, { files: [], replaces: 'none' }))).toBe('InvalidInput')
    expect(await refused(tenant.submissions.discard(name, 'none'))).toBe('InvalidInput')
    await tenant.submissions.complete(name)
    expect(await refused(tenant.submissions.add(name, { files: [] }))).toBe('InvalidInput')
    expect(await tenant.submissions.status({ submitter: 'nobody', submission: 'x' })).toBeUndefined()
  })
})

describe('a submission that is aborted', () => {
  const files = {
    '1.ndjson': linesOf(patient('a', 2), patient('b', 2), patient('c', 2)),
    '2.ndjson': linesOf(patient('a', 3), patient('d', 3)),
  }

  async function aborted(meanwhile: (tenant: Tenant) => Promise<unknown>) {
    const tenant = await makeSubmitWorld(files).enter()
    await withPatient(tenant)
    await tenant.submissions.begin(name)
    for (const url of Object.keys(files)) await tenant.submissions.add(name, { id: url, files: [{ url }] })
    await tenant.submissions.process(name)
    await meanwhile(tenant)
    return { tenant, status: await tenant.submissions.abort(name) }
  }

  test('leaves the state from before, and the whole history', async () => {
    const { tenant, status } = await aborted(async () => undefined)
    expect(status).toMatchObject({ state: 'stopped', isEnded: true, undone: { transactions: 2, conflicts: 0 } })
    expect(await stateOf(tenant)).toEqual({ 'Patient/a': 1 })
    expect((await tenant.versions('Patient', 'a')).entries.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1])
    expect(await tenant.submissions.abort(name)).toEqual(status)
  })

  test('lists what others have changed since, and leaves it alone', async () => {
    const { tenant, status } = await aborted((tenant) => tenant.update('Patient', 'b', patient('b', 9)))
    expect(status.undone).toMatchObject({ conflicts: 1 })
    expect(await conflictsOf(tenant)).toEqual([{ type: 'Patient', id: 'b', version: 1, actual: 2 }])
    expect(await stateOf(tenant)).toEqual({ 'Patient/a': 1, 'Patient/b': 9 })
  })

  test('takes no more manifests, and processes none', async () => {
    const world = makeSubmitWorld(files)
    const tenant = await world.enter()
    await tenant.submissions.begin(name)
    await tenant.submissions.add(name, { id: 'm', files: [{ url: '1.ndjson' }] })
    await tenant.submissions.abort(name)
    expect((await tenant.submissions.process(name)).manifests[0]).toMatchObject({ state: 'pending' })
    expect(await stateOf(tenant)).toEqual({})
    expect((await failure(tenant.submissions.add(name, { files: [] })))._tag).toBe('InvalidInput')
  })
})

test('the change of one line is taken back, unless somebody has changed the resource since', async () => {
  const { tenant } = await submitted({ 'f.ndjson': linesOf(patient('a', 2), patient('b', 2)) }, {}, withPatient)
  await tenant.submissions.undoLine(name, { manifest: 'm', file: 0, line: 1 })
  expect(await stateOf(tenant)).toEqual({ 'Patient/a': 1, 'Patient/b': 2 })
  const again = await failure(tenant.submissions.undoLine(name, { manifest: 'm', file: 0, line: 1 }))
  expect(again._tag).toBe('Conflict')
  expect((await failure(tenant.submissions.undoLine(name, { manifest: 'm', file: 0, line: 9 })))._tag).toBe(
    'InvalidInput',
  )
})

test('submissions are listed by name, and no name is that of another', async () => {
  const tenant = await makeSubmitWorld({}).enter()
  const names = [
    { submitter: 'a/b', submission: 'c' },
    { submitter: 'a', submission: 'b/c' },
    { submitter: '..', submission: '%' },
  ]
  for (const each of names) await tenant.submissions.begin(each)
  const listed = (await tenant.submissions.list()).map(({ submitter, submission }) => `${submitter} ${submission}`)
  expect(new Set(listed)).toEqual(new Set(names.map(({ submitter, submission }) => `${submitter} ${submission}`)))
  expect(await allOf(tenant.submissions.conflicts(names[0] as never))).toEqual([])
})
