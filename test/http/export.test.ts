/** Bulk exports over HTTP: the asynchronous pattern step by step, the levels, and what is asked of them. */
import { setImmediate } from 'node:timers/promises'
import { MedplumClient } from '@medplum/core'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import {
  begin,
  ended,
  exported,
  issuesOf,
  linesOf,
  manifestAt,
  namesIn,
  parameters,
  pathOf,
  wantsAsync,
} from './exports.js'
import { type Running, running } from './server.js'

const observation = (id: string, patient: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  subject: { reference: `Patient/${patient}` },
})
const everything = ['Group/g', 'Observation/oa', 'Observation/ob', 'Organization/o', 'Patient/a', 'Patient/b']

async function withData(): Promise<Running> {
  const server = await running()
  const tenant = await server.store.tenant('default')
  const members = [{ entity: { reference: 'Patient/a' } }]
  for (const each of [
    { resourceType: 'Patient', id: 'a', active: true, gender: 'female' },
    { resourceType: 'Patient', id: 'b' },
    { resourceType: 'Organization', id: 'o', name: 'Ward' },
    { resourceType: 'Group', id: 'g', type: 'person', actual: true, member: members },
    observation('oa', 'a'),
    observation('ob', 'b'),
  ])
    await tenant.update(each.resourceType, each.id, each)
  return server
}

test('is begun, polled, read and ended, as the asynchronous pattern has it', async () => {
  const server = await withData()
  const { ask, base } = server
  const began = await ask('GET', '$export?_type=Patient', { headers: wantsAsync })
  expect([began.status, began.text, began.headers.get('preference-applied')]).toEqual([202, '', 'respond-async'])
  const location = began.headers.get('content-location') ?? ''
  expect(location).toMatch(new RegExp(`^${base.replaceAll('.', '\\.')}/\\$export/[0-9a-f-]{36}$`))
  const status = pathOf(server, location)
  await ended(server, status)
  const done = await ask('GET', status)
  expect(done.headers.get('content-type')).toBe('application/json')
  expect(Date.parse(done.headers.get('expires') ?? '')).toBeGreaterThan(Date.now() + 23 * 60 * 60 * 1_000)
  const head = await (await server.store.tenant('default')).head()
  expect(done.body).toMatchObject({
    transactionTime: head.at,
    request: `${base}/$export?_type=Patient`,
    requiresAccessToken: false,
    output: [{ type: 'Patient', count: 2, url: `${location}/output/Patient/part-1.ndjson` }],
    deleted: [],
    error: [],
    outcome: [],
  })
  expect(await namesIn(server, done.body.output)).toEqual(['Patient/a', 'Patient/b'])
  expect((await ask('DELETE', status)).status).toBe(202)
  for (const [method, path] of [
    ['GET', status],
    ['DELETE', status],
    ['GET', pathOf(server, done.body.output[0].url)],
  ] as const) {
    const gone = await ask(method, path)
    expect([gone.status, ...issuesOf(gone)]).toEqual([404, 'not-found http.url'])
  }
})

test('holds what the stored bytes say, of every type, and nothing that was written later', async () => {
  const server = await withData()
  const tenant = await server.store.tenant('default')
  const body = '{"resourceType":"Observation","id":"n","status":"final","valueQuantity":{"value":1.500}}'
  await tenant.update('Observation', 'n', body)
  const expected = await Promise.all(
    [...everything, 'Observation/n'].map(async (name) => {
      const [type, id] = name.split('/') as [string, string]
      return Buffer.from((await tenant.read(type, id))?.body ?? []).toString()
    }),
  )
  let writing = true
  const writer = (async () => {
    for (let n = 0; writing; n++) {
      await tenant.update('Basic', `later-${n}`, { resourceType: 'Basic' })
      // A store in memory would leave nobody else a turn.
      await setImmediate()
    }
  })()
  const status = await begin(server, '$export?_type=Patient,Observation,Group,Organization')
  await tenant.update('Patient', 'a', { resourceType: 'Patient', id: 'a', active: false })
  await tenant.delete('Patient', 'b')
  const manifest = await manifestAt(server, status)
  writing = false
  await writer
  expect((await linesOf(server, manifest.output)).sort()).toEqual(expected.sort())
})

describe('is of', () => {
  test.each([
    ['the system', '$export', everything],
    // Groups that have patients as members belong to their compartments.
    ['patients', 'Patient/$export', everything.filter((name) => !name.startsWith('Organization'))],
    ['a group', 'Group/g/$export', ['Group/g', 'Observation/oa', 'Patient/a']],
  ])('%s, by GET and by POST', async (_, path, names) => {
    const server = await withData()
    for (const body of [undefined, parameters()])
      expect(await namesIn(server, (await exported(server, path, {}, body)).output)).toEqual(names)
  })

  test('patients who are named', async () => {
    const server = await withData()
    const named = parameters({ name: 'patient', valueReference: { reference: 'Patient/b' } })
    const { output } = await exported(server, 'Patient/$export', {}, named)
    expect(await namesIn(server, output)).toEqual(['Observation/ob', 'Patient/b'])
    const none = await server.ask('POST', 'Group/g/$export', { headers: wantsAsync, body: named })
    expect([none.status, ...issuesOf(none)]).toEqual([400, 'value Parameters.parameter[0]'])
    expect(none.text).toContain('Patient/b is no member of Group/g')
  })
})

describe('selects by', () => {
  test.each([
    ['types with commas', '_type=Patient,Group', ['Group/g', 'Patient/a', 'Patient/b']],
    ['types again and again', '_type=Patient&_type=Group', ['Group/g', 'Patient/a', 'Patient/b']],
    ['type filters', '_type=Patient,Group&_typeFilter=Patient%3F_id%3Da', ['Group/g', 'Patient/a']],
    [
      'type filters with commas',
      '_type=Patient,Observation&_typeFilter=Patient%3F_id%3Da,Observation%3F_id%3Doa,ob',
      ['Observation/oa', 'Observation/ob', 'Patient/a'],
    ],
    ['an instant before all of it', '_since=2020', everything],
    ['an instant behind all of it', '_since=2100-01-01', []],
    ['the last instant behind all of it', '_until=2100-01-01T00:00:00%2B01:00', everything],
    ['the last instant before all of it', '_until=2020-01-01T00:00:00Z', []],
    ['formats', '_type=Group&_outputFormat=application%2Ffhir%2Bndjson', ['Group/g']],
    ['formats, with a plus as it is', '_type=Group&_outputFormat=application/fhir+ndjson', ['Group/g']],
    ['formats, in short', '_type=Group&_outputFormat=application/ndjson', ['Group/g']],
    ['formats, shorter', '_type=Group&_outputFormat=ndjson', ['Group/g']],
  ])('%s', async (_, query, names) => {
    const server = await withData()
    const manifest = await exported(server, `$export?${query}`)
    expect(await namesIn(server, manifest.output)).toEqual(names)
    expect(manifest.error).toEqual([])
    const parameter = [...new URLSearchParams(query)].map(([name, value]) => ({ name, valueString: value }))
    const posted = await exported(server, '$export', {}, parameters(...parameter))
    expect(await namesIn(server, posted.output)).toEqual(names)
  })

  test('elements', async () => {
    const server = await withData()
    const { output } = await exported(server, '$export?_type=Patient,Organization&_elements=Patient.active,name')
    const all = (await linesOf(server, output)).map((line) => JSON.parse(line))
    expect(all.map(({ meta, ...rest }) => [meta.tag?.[0].code, rest])).toEqual([
      ['SUBSETTED', { resourceType: 'Organization', id: 'o', name: 'Ward' }],
      ['SUBSETTED', { resourceType: 'Patient', id: 'b' }],
      ['SUBSETTED', { resourceType: 'Patient', id: 'a', active: true }],
    ])
  })

  test('what is new, with deletions as transactions', async () => {
    const server = await withData()
    const { transactionTime } = await exported(server, '$export')
    const tenant = await server.store.tenant('default')
    await tenant.delete('Observation', 'ob')
    await tenant.update('Patient', 'c', { resourceType: 'Patient', id: 'c' })
    const next = await exported(server, `$export?_since=${transactionTime}`)
    expect(await namesIn(server, next.output)).toEqual(['Patient/c'])
    const [bundle] = (await linesOf(server, next.deleted)).map((line) => JSON.parse(line))
    expect(bundle).toMatchObject({
      type: 'transaction',
      entry: [{ request: { method: 'DELETE', url: 'Observation/ob' } }],
    })
  })
})

describe('refuses', () => {
  const patient = (reference: string) => parameters({ name: 'patient', valueReference: { reference } })
  test.each([
    ['what is not to be asynchronous', '$export', 'prefer: return=minimal', 400, 'required http.Prefer'],
    ['another format', '$export?_outputFormat=text/csv', '', 400, 'not-supported http._outputFormat'],
    ['another version', '$export?_outputFormat=ndjson;fhirVersion=5.0', '', 400, 'not-supported http._outputFormat'],
    ['an empty list of types', '$export?_type=', '', 400, 'value http._type'],
    ['an empty type among others', '$export?_type=Patient,', '', 400, 'value http._type'],
    ['a type that is none', '$export?_type=Patient,Nonsense', '', 400, 'not-supported http._type'],
    ['types that are none, also leniently', '$export?_type=Nonsense', 'lenient', 400, 'not-supported http._type'],
    ['no instant', '$export?_since=yesterday', '', 400, 'value http._since'],
    ['an instant twice', '$export?_since=2020&_since=2021', '', 400, 'value http._since'],
    ['what ends before it begins', '$export?_since=2021&_until=2020', '', 400, 'value http._since'],
    ['elements that lie deeper', '$export?_elements=name.given', '', 400, 'value http._elements'],
    [
      'filters by what is not indexed',
      '$export?_typeFilter=Patient%3Fname%3Dx',
      '',
      400,
      'not-supported http._typeFilter',
    ],
    ['filters that are none', '$export?_typeFilter=Patient', '', 400, 'value http._typeFilter'],
    [
      'filters that are about the answer',
      '$export?_typeFilter=Patient%3F_count%3D1',
      '',
      400,
      'value http._typeFilter',
    ],
    ['filters of other types', '$export?_type=Group&_typeFilter=Patient%3F_id%3Da', '', 400, 'value http._typeFilter'],
    [
      'associated data',
      '$export?includeAssociatedData=LatestProvenanceResources',
      '',
      400,
      'not-supported http.includeAssociatedData',
    ],
    ['another order', '$export?organizeOutputBy=Patient', '', 400, 'not-supported http.organizeOutputBy'],
    ['partial manifests', '$export?allowPartialManifests=true', '', 400, 'not-supported http.allowPartialManifests'],
    ['patients in a query', 'Patient/$export?patient=Patient/a', '', 400, 'value http.patient'],
    ['a group that is not there', 'Group/none/$export', '', 404, 'not-found http.url'],
    ['another type', 'Observation/$export', '', 404, 'not-supported http.url'],
    ['another method', '$export', 'DELETE', 405, 'not-supported http.method'],
    ['a HEAD, which is to change nothing', '$export', 'PUT', 405, 'not-supported http.method'],
  ])('%s', async (_, path, how, status, issue) => {
    const server = await withData()
    const method = /^[A-Z]+$/.test(how) ? how : 'GET'
    const prefer = how === 'lenient' ? 'respond-async, handling=lenient' : 'respond-async'
    const headers = how.startsWith('prefer:') ? { prefer: how.slice(8) } : { prefer }
    const answer = await server.ask(method, path, { headers })
    expect([answer.status, ...issuesOf(answer)], answer.text).toEqual([status, issue])
    expect(await (await server.store.tenant('default')).exports.list()).toEqual([])
  })

  test.each([
    ['patients of a system', '$export', patient('Patient/a'), 'not-supported Parameters.parameter[0]'],
    ['patients who are not there', 'Patient/$export', patient('Patient/none'), 'value Parameters.parameter[0]'],
    ['patients who are none', 'Patient/$export', patient('Group/g'), 'value Parameters.parameter[0]'],
    ['a body of another kind', '$export', { resourceType: 'Patient' }, 'invalid Parameters'],
    ['values of no type', '$export', parameters({ name: '_type' }), 'value Parameters.parameter[0]'],
  ])('%s', async (_, path, body, issue) => {
    const server = await withData()
    const answer = await server.ask('POST', path, { headers: wantsAsync, body })
    expect([answer.status, ...issuesOf(answer)], answer.text).toEqual([400, issue])
  })

  test('what a lenient client is told of instead', async () => {
    const server = await withData()
    const query = [
      '_type=Nonsense,Patient,Group',
      'organizeOutputBy=Patient',
      '_typeFilter=Patient%3F_id%3Da',
      '_typeFilter=Patient%3Fname%3Dx',
      '_typeFilter=Group%3F_id%3Dnone',
    ]
    const headers = { prefer: 'respond-async, handling=lenient' }
    const { output, error } = await exported(server, `$export?${query.join('&')}`, headers)
    // One filter of patients is passed over, and with it the other: both together mean more than one.
    expect(await namesIn(server, output)).toEqual(['Patient/a', 'Patient/b'])
    const said = (await linesOf(server, error)).map((line) => JSON.parse(line).issue[0])
    expect(said.map(({ code, location }) => [code, ...location])).toEqual([
      ['not-supported', 'http.organizeOutputBy'],
      ['not-supported', 'http._type'],
      ['not-supported', 'http._typeFilter'],
    ])
  })
})

test('is described as Bulk Data Access defines it', async () => {
  const { ask } = await running()
  const [rest] = (await ask('GET', 'metadata')).body.rest
  const at = (operation: ReadonlyArray<{ name: string; definition: string }>) =>
    operation.filter(({ name }) => name === 'export').map(({ definition }) => definition.split('/').at(-1))
  expect(at(rest.operation)).toEqual(['export'])
  for (const { type, operation } of rest.resource)
    expect(at(operation)).toEqual({ Patient: ['patient-export'], Group: ['group-export'] }[type as string] ?? [])
})

test('is polled by the client of Medplum, which sends a query and no body', async () => {
  const server = await withData()
  const medplum = new MedplumClient({ baseUrl: `${server.root}/`, fhirUrlPath: 'fhir', fetch, cacheTime: 0 })
  const options = { pollStatusOnAccepted: true, pollStatusPeriod: 20 }
  const manifest = await medplum.bulkExport('Patient', 'Patient,Observation', '2020-01-01T00:00:00Z', options)
  const files = manifest.output as ReadonlyArray<{ type: string; url: string }>
  expect(files.map(({ type }) => type)).toEqual(['Observation', 'Patient'])
  const texts = await Promise.all(files.map(async ({ url }) => (await medplum.download(url)).text()))
  expect(
    texts
      .join('')
      .match(/"id":"\w+"/g)
      ?.sort(),
  ).toEqual(['a', 'b', 'oa', 'ob'].map((id) => `"id":"${id}"`))
})

describe('while it waits', () => {
  /** One that works and never ends, and so many that may wait for it. */
  async function blocked(maxWaitingExports: number) {
    const store = await openStore('memory:', { limits: { maxExports: 0, maxWaitingExports } })
    return running({}, store)
  }

  test('is polled with 202, progress and when to come again; too often is a 429', async () => {
    const server = await blocked(1)
    const status = await begin(server, '$export')
    const first = await server.ask('GET', status)
    expect([first.status, first.text, first.headers.get('x-progress')]).toEqual([202, '', 'accepted'])
    expect(first.headers.get('retry-after')).toBe('1')
    let last = first
    for (let n = 0; n < 100 && last.status === 202; n++) last = await server.ask('GET', status)
    expect([last.status, ...issuesOf(last)]).toEqual([429, 'throttled http.url'])
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
    // Others are counted by themselves, and this one can be ended all the same.
    expect((await server.ask('DELETE', status)).status).toBe(202)
  })

  test('says so in a header, where the client wants the status of the poll apart', async () => {
    const server = await blocked(1)
    const prefer = 'respond-async,separate-export-status'
    const began = await server.ask('POST', '$export', { headers: { prefer } })
    expect(began.headers.get('preference-applied')).toBe('respond-async, separate-export-status')
    const poll = await server.ask('GET', pathOf(server, began.headers.get('content-location') ?? ''))
    expect([poll.status, poll.headers.get('x-export-status'), poll.headers.has('retry-after')]).toEqual([
      200,
      '202 Accepted',
      true,
    ])
  })

  test('others are refused when too many do', async () => {
    const server = await blocked(1)
    await begin(server, '$export')
    const answer = await server.ask('GET', '$export', { headers: wantsAsync })
    expect([answer.status, ...issuesOf(answer)]).toEqual([429, 'throttled http.url'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
