/** Bulk exports over HTTP: whose they are, what is in them for whom, and their files. */
import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { begin, exported, issuesOf, manifestAt, pathOf, wantsAsync } from './exports.js'
import { expectRefused, type Guarded, guarded } from './guarded.js'
import { type Running, running } from './server.js'

async function withData(): Promise<Guarded> {
  const server = await guarded({}, { tenancy: { from: 'path' } })
  for (const name of ['default', 'other']) {
    const tenant = await server.store.tenant(name)
    await tenant.update('Patient', 'p', { resourceType: 'Patient', id: 'p' })
    await tenant.update('Observation', 'o', { resourceType: 'Observation', id: 'o' })
    await tenant.update('Group', 'g', { resourceType: 'Group', id: 'g' })
  }
  return server
}

describe('an export takes', () => {
  test.each([
    ['a type without its search', '$export?_type=Patient', 'system/Patient.r'],
    ['a type without its read', '$export?_type=Patient', 'system/Patient.s'],
    ['two types with one of them', '$export?_type=Patient,Observation', 'system/Patient.rs'],
    ['all types without all', '$export', 'system/Patient.rs system/Observation.rs'],
    ['a group without its read', 'Group/g/$export?_type=Patient', 'system/Patient.rs'],
    ['patients that are not granted', 'Patient/$export?_type=Observation', 'system/Observation.rs'],
  ])('%s: 403', async (_, path, scope) => {
    const server = await withData()
    const headers = { ...(await server.authority.bearer(scope)), ...wantsAsync }
    const reference = { name: 'patient', valueReference: { reference: 'Patient/p' } }
    const body = path.startsWith('Patient') ? { resourceType: 'Parameters', parameter: [reference] } : undefined
    expectRefused(await server.ask('POST', path, { headers, body }), 403, 'forbidden', 'insufficient_scope')
    expect(await (await server.store.tenant('default')).exports.list()).toEqual([])
  })

  test('no more than what it asks for', async () => {
    const server = await withData()
    const headers = await server.authority.bearer('system/Patient.rs system/Group.r')
    const { requiresAccessToken, output } = await exported(server, 'Group/g/$export?_type=Patient', headers)
    expect([requiresAccessToken, output]).toEqual([true, []])
    expect((await exported(server, 'Patient/$export?_type=Patient', headers)).output).toHaveLength(1)
  })
})

describe('an export is there for', () => {
  test('whoever began it, in its tenant, and for nobody else', async () => {
    const server = await withData()
    const all = 'system/*.rs'
    const own = await server.authority.bearer(all)
    const status = await begin(server, '$export?_type=Patient', own)
    const { output } = await manifestAt(server, status, own)
    const file = pathOf(server, output[0]?.url ?? '')
    const others = await server.authority.bearer(all, { claims: { sub: 'grace' } })
    const elsewhere = (path: string): string => path.replace(/^\/fhir/, '/tenants/other/fhir')
    for (const [method, path, headers] of [
      ['GET', status, others],
      ['DELETE', status, others],
      ['GET', file, others],
      ['GET', elsewhere(status), own],
      ['DELETE', elsewhere(status), own],
      ['GET', elsewhere(file), own],
    ] as const) {
      const answer = await server.ask(method, path, { headers })
      expect([answer.status, ...issuesOf(answer)]).toEqual([404, 'not-found http.url'])
    }
    expect((await server.ask('GET', file)).status).toBe(401)
    expect((await server.ask('GET', file, { headers: own })).status).toBe(200)
    expect((await server.ask('DELETE', status, { headers: own })).status).toBe(202)
  })

  test('a token that grants less: the files of what it grants', async () => {
    const server = await withData()
    const status = await begin(server, '$export?_since=2020', await server.authority.bearer('system/*.rs'))
    const tenant = await server.store.tenant('default')
    await tenant.delete('Observation', 'o')
    const whole = await manifestAt(server, status, await server.authority.bearer('system/*.rs'))
    expect(whole.output.map(({ type }) => type)).toEqual(['Group', 'Observation', 'Patient'])
    const less = await server.authority.bearer('system/Patient.rs')
    const { output } = await manifestAt(server, status, less)
    expect(output.map(({ type }) => type)).toEqual(['Patient'])
    for (const { type, url } of whole.output)
      expect((await server.ask('GET', pathOf(server, url), { headers: less })).status).toBe(
        type === 'Patient' ? 200 : 403,
      )
  })

  test('nobody over HTTP, where it was begun otherwise', async () => {
    const { ask, store } = await running()
    const tenant = await store.tenant('default')
    const job = await tenant.export({ note: '{"request":7}' })
    await job.done()
    for (const path of [job.id, 'none', `${job.id}/state.json`])
      expect((await ask('GET', `$export/${path}`)).status).toBe(404)
  })
})

describe('a file', () => {
  let server: Running
  let path: string
  let whole: string

  const start = async (): Promise<void> => {
    server = await running()
    const tenant = await server.store.tenant('default')
    for (let n = 0; n < 200; n++) await tenant.update('Basic', `b${n}`, { resourceType: 'Basic', id: `b${n}`, n })
    const { output } = await exported(server, '$export')
    path = pathOf(server, output[0]?.url ?? '')
    whole = (await server.ask('GET', path, { headers: { 'accept-encoding': 'identity' } })).text
    expect(Buffer.byteLength(whole)).toBe(output[0]?.fileSize)
  }

  test('comes whole, as NDJSON, by gzip where that is accepted', async () => {
    await start()
    const plain = await fetch(server.root + path, { headers: { 'accept-encoding': 'identity' } })
    expect([plain.headers.get('content-type'), plain.headers.get('accept-ranges'), plain.headers.get('vary')]).toEqual([
      'application/fhir+ndjson',
      'bytes',
      'accept-encoding',
    ])
    expect([plain.headers.get('content-encoding'), Number(plain.headers.get('content-length'))]).toEqual([
      null,
      whole.length,
    ])
    expect(await plain.text()).toBe(whole)
    const zipped = await new Promise<Buffer>((resolve, reject) => {
      request(server.root + path, { headers: { 'accept-encoding': 'gzip' } }, async (answer) => {
        expect(answer.headers['content-encoding']).toBe('gzip')
        resolve(Buffer.concat(await answer.toArray()))
      })
        .on('error', reject)
        .end()
    })
    expect(gunzipSync(zipped).toString()).toBe(whole)
  })

  test.each([
    ['bytes=0-9', 206, (all: string) => [all.slice(0, 10), '0-9']],
    ['bytes=10-', 206, (all: string) => [all.slice(10), `10-${all.length - 1}`]],
    ['bytes=-7', 206, (all: string) => [all.slice(-7), `${all.length - 7}-${all.length - 1}`]],
    ['bytes=-999999999', 206, (all: string) => [all, `0-${all.length - 1}`]],
    ['bytes=5-999999999', 206, (all: string) => [all.slice(5), `5-${all.length - 1}`]],
    ['bytes=999999999-', 416, () => ['', '*']],
    ['bytes=-0', 416, () => ['', '*']],
    ['bytes=9-3', 200, (all: string) => [all, '']],
    ['bytes=0-1,5-6', 200, (all: string) => [all, '']],
    ['lines=0-1', 200, (all: string) => [all, '']],
  ] as const)('of %s is a %i', async (range, status, expected) => {
    await start()
    // Compressed only where it is whole.
    const answer = await server.ask('GET', path, { headers: { range } })
    const [text, said] = expected(whole)
    expect([answer.status, answer.headers.get('content-range')]).toEqual([
      status,
      status === 200 ? null : `bytes ${said}/${whole.length}`,
    ])
    if (status === 416) expect(issuesOf(answer)).toEqual(['value http.Range'])
    else expect(answer.text).toBe(text)
    if (status === 206) expect(answer.headers.get('content-encoding')).toBe(null)
  })

  test('comes whole to who has a validator that the server has not made, and has a head of its own', async () => {
    await start()
    const headers = { range: 'bytes=0-9', 'if-range': '"x"' }
    expect((await server.ask('GET', path, { headers })).text).toBe(whole)
    const head = await server.ask('HEAD', path, { headers: { 'accept-encoding': 'identity' } })
    expect([head.status, head.headers.get('content-length'), head.text]).toEqual([200, String(whole.length), ''])
  })

  test('that lies beside the others, or nowhere, is a 404', async () => {
    await start()
    const job = path.slice(0, path.indexOf('/output'))
    for (const name of ['manifest.json', 'state.json', 'output/Basic/part-2.ndjson', '', '..%2f..%2ftenant.json'])
      expect((await server.ask('GET', `${job}/${name}`)).status, name).toBe(name === '' ? 200 : 404)
  })
})

test('one of many pieces comes as it is', async () => {
  const server = await running()
  const tenant = await server.store.tenant('default')
  const text = 'x'.repeat(900_000)
  for (let n = 0; n < 11; n++) await tenant.update('Basic', `b${n}`, { resourceType: 'Basic', id: `b${n}`, text })
  const { output } = await exported(server, '$export')
  expect(output[0]?.fileSize).toBeGreaterThan(8 * 1024 * 1024)
  const { text: whole } = await server.ask('GET', pathOf(server, output[0]?.url ?? ''))
  const lines = whole.split('\n').slice(0, -1)
  expect(new Set(lines.map((line) => JSON.parse(line)).map(({ id, text: own }) => own === text && id)).size).toBe(11)
})
