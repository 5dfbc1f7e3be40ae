/** `$bulk-submit` over real HTTP: manifests of another server, fetched and written, and what became of them. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, describe, expect, test } from 'vitest'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import { defaultSourceRules, webSources } from '../../adapters/web/sources.js'
import { submissionsPk } from '../../domain/keys.js'
import { openStore } from '../../src/index.js'
import { type Fate, through } from '../copy/faults.js'
import type { HandClock } from '../protocol/hand-clock.js'
import { unavailable } from '../protocol/script.js'
import { openStore as openOver } from '../store/processes.js'
import { audience, issuer, newKey, publicJwk, tokenOf } from './issuer.js'
import { type Answer, codesOf, type Running, running } from './server.js'

const patient = (id: string, more: object = {}) => JSON.stringify({ resourceType: 'Patient', id, ...more })

/** What another server offers, by path. */
const files: Record<string, string> = {
  '/one.json': '{"output":[{"type":"Patient","url":"/p.ndjson","count":3},{"type":"Patient","url":"/none.ndjson"}]}',
  '/p.ndjson': `${patient('a')}\n{"resourceType":"Patient"\n${patient('b', { n: 1.5 })}\n`,
  '/two.json': '{"output":[{"type":"Patient","url":"/q.ndjson"}]}',
  '/q.ndjson': `${patient('a', { n: 2 })}\n`,
  '/page.json': '<html>',
}
const seen: string[] = []
const provider = createServer(({ url = '', headers }, response) => {
  seen.push(`${url} ${headers.authorization}`)
  if (url === '/hangs.json') return
  const text = files[url]
  response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/fhir+ndjson' }).end(text)
})
await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
const from = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
afterAll(() => {
  provider.closeAllConnections()
  provider.close()
})

const submitter = { name: 'submitter', valueIdentifier: { system: 'urn:x', value: 'lab' } }
const id = { name: 'submissionId', valueString: 's' }
const base = { name: 'fhirBaseUrl', valueUrl: from }
const manifest = (path: string) => ({ name: 'manifestUrl', valueUrl: `${from}${path}` })
const state = (code: string, system = 'http://hl7.org/fhir/event-status') => ({
  name: 'submissionStatus',
  valueCoding: { system, code },
})
const parameters = (...parameter: object[]) => ({
  resourceType: 'Parameters',
  parameter: [submitter, id, ...parameter],
})

const serving = async () => running({}, await openStore('memory:', { sources: { allowPrivate: true } }))

/** Every call of the ports of its store is in the hands of a test. */
async function servingThrough(fate: Fate): Promise<Running> {
  const clock = systemClock as HandClock
  const sources = webSources({ ...defaultSourceRules, allowPrivate: true }, { clock, ids: systemIds })
  const ports = { blobs: memoryBlobStore(), pointers: memoryPointerStore({ clock }), doorbell: memoryDoorbell() }
  return running({}, await openOver({ ...ports, clock, sources }, through(fate)))
}

const submit = ({ ask }: Running, ...parameter: object[]): Promise<Answer> =>
  ask('POST', '$bulk-submit', { body: parameters(...parameter) })

/** Waits for its end beside the server, which counts how often it is asked. */
async function ended({ ask, root, store }: Running): Promise<Answer> {
  const begun = await ask('POST', '$bulk-submit-status', { body: parameters(), headers: { prefer: 'respond-async' } })
  expect(begun.status).toBe(202)
  const url = (begun.headers.get('content-location') as string).slice(root.length)
  const { submissions } = await store.tenant('default')
  const isOver = async () => {
    const [found] = await submissions.list()
    return found?.isEnded === true && !found.hasWork
  }
  await expect.poll(isOver, { timeout: 20_000 }).toBe(true)
  const answer = await ask('GET', url)
  expect(answer.status).toBe(200)
  return answer
}

const outcomesAt = async ({ ask, root }: Running, url: string): Promise<{ code: string; location?: string[] }[]> =>
  (await ask('GET', url.slice(root.length))).text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).issue[0])

describe('a submission', () => {
  test('is fetched, written, and told line by line', async () => {
    const server = await serving()
    const header = {
      name: 'fileRequestHeader',
      part: [
        { name: 'headerName', valueString: 'Authorization' },
        { name: 'headerValue', valueString: 'Bearer t' },
      ],
    }
    expect((await submit(server, manifest('/one.json'), base, header)).status).toBe(200)
    expect((await submit(server, state('completed'))).status).toBe(200)
    const { body } = await ended(server)
    expect(body).toMatchObject({ submissionId: 's', requiresAccessToken: false, output: [] })
    expect(body.outcome).toEqual(body.error)
    expect(body.outcome).toMatchObject([{ manifestUrl: `${from}/one.json`, count: 1 }, { count: 1 }])
    expect(await outcomesAt(server, body.outcome[0].url)).toMatchObject([{ code: 'structure', location: ['line 2'] }])
    expect(await outcomesAt(server, body.outcome[1].url)).toMatchObject([{ code: 'incomplete' }])
    expect((await server.ask('GET', 'Patient/b')).text).toContain('"n":1.5')
    expect(seen).toContain('/p.ndjson Bearer t')
    expect(JSON.stringify(body)).not.toContain('Bearer')
  })

  test('is taken back when it is stopped, in either vocabulary', async () => {
    for (const [stopped, system] of [
      ['stopped', 'http://hl7.org/fhir/event-status'],
      ['Aborted', 'http://hl7.org/fhir/uv/bulkdata/ValueSet/submission-status'],
    ]) {
      const server = await serving()
      await server.ask('PUT', 'Patient/a', { body: patient('a', { n: 1 }) })
      await submit(
        server,
        { ...manifest('/two.json'), name: 'MANIFESTURL' },
        { name: 'FHIRBaseUrl', valueString: from },
      )
      await server.store
        .tenant('default')
        .then(({ submissions }) => submissions.process({ submitter: 'urn:x|lab', submission: 's' }))
      expect((await server.ask('GET', 'Patient/a')).body).toMatchObject({ n: 2 })
      expect((await submit(server, state(stopped as string, system))).status).toBe(200)
      expect((await ended(server)).body.extension).toMatchObject({ state: 'stopped', undone: { resources: 1 } })
      expect((await server.ask('GET', 'Patient/a')).body).toMatchObject({ n: 1, meta: { versionId: '3' } })
      expect(codesOf(await submit(server, manifest('/one.json'), base))).toEqual(['conflict'])
      expect((await submit(server, state('stopped'))).status).toBe(200)
    }
  })

  test('takes a manifest in the place of another, or none', async () => {
    const server = await serving()
    await submit(server, manifest('/one.json'), base)
    const replaces = (path: string) => ({ name: 'replacesManifestUrl', valueUrl: `${from}${path}` })
    expect(codesOf(await submit(server, manifest('/one.json'), base))).toEqual(['duplicate'])
    expect(codesOf(await submit(server, replaces('/two.json')))).toEqual(['not-found'])
    expect((await submit(server, manifest('/two.json'), base, replaces('/one.json'))).status).toBe(200)
    await submit(server, state('complete'))
    await ended(server)
    expect((await server.ask('GET', 'Patient/a')).body).toMatchObject({ n: 2 })
    expect((await server.ask('GET', 'Patient/b')).status).toBeGreaterThanOrEqual(404)
    expect(codesOf(await submit(server, replaces('/two.json')))).toEqual(['conflict'])
  })

  test('takes manifests that are offered at the same time', async () => {
    const paths = ['/one.json', '/two.json', '/page.json']
    let [waiting, go] = [0, (): void => undefined]
    const all = new Promise<void>((resolve) => {
      go = resolve
    })
    const server = await servingThrough(async ({ method, key }, proceed) => {
      if (method !== 'createIfAbsent' || !key.includes('/manifests/')) return proceed()
      if (++waiting === paths.length) go()
      await all
      return proceed()
    })
    await submit(server, state('in-progress'))
    const answers = await Promise.all(paths.map((path) => submit(server, manifest(path), base)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    const { submissions } = await server.store.tenant('default')
    const { manifests } = (await submissions.status({ submitter: 'urn:x|lab', submission: 's' })) ?? {}
    expect(manifests?.map(({ url }) => url).sort()).toEqual(paths.map((path) => from + path).sort())
  })

  test('is found by its URL, however long its name is', async () => {
    const { ask, root } = await serving()
    const long = [
      {
        name: 'submitter',
        valueIdentifier: { system: `https://example.org/${'s'.repeat(70)}`, value: 'v'.repeat(40) },
      },
      { name: 'submissionId', valueString: 'i'.repeat(160) },
    ]
    const body = (...more: object[]) => ({ resourceType: 'Parameters', parameter: [...long, ...more] })
    expect((await ask('POST', '$bulk-submit', { body: body(state('completed')) })).status).toBe(200)
    const begun = await ask('POST', '$bulk-submit-status', { body: body() })
    expect((await ask('GET', (begun.headers.get('content-location') as string).slice(root.length))).status).toBe(200)
  })

  test('is gone on with when it is asked for again, where a server died before it told its workers', async () => {
    let isBroken = false
    const server = await servingThrough(async ({ method, key }, proceed) =>
      isBroken && method === 'compareAndSet' && key === submissionsPk ? E.left(unavailable) : proceed(),
    )
    await submit(server, state('in-progress'))
    isBroken = true
    expect((await submit(server, manifest('/two.json'), base)).status).toBe(503)
    isBroken = false
    expect(codesOf(await submit(server, manifest('/two.json'), base))).toEqual(['duplicate'])
    await submit(server, state('completed'))
    await ended(server)
    expect((await server.ask('GET', 'Patient/a')).status).toBe(200)
    isBroken = true
    expect((await submit(server, state('stopped'))).status).toBe(503)
    isBroken = false
    expect((await submit(server, state('stopped'))).status).toBe(200)
    await ended(server)
    expect((await server.ask('GET', 'Patient/a')).status).toBe(410)
  })

  test('of a manifest that is none ends with an outcome for it', async () => {
    const server = await serving()
    await submit(server, manifest('/page.json'), base, state('completed'))
    const { body } = await ended(server)
    expect(await outcomesAt(server, body.outcome[0].url)).toMatchObject([{ code: 'incomplete' }])
  })
})

describe('whoever asks for too much hears when to come again:', () => {
  test('a status that is polled too often', async () => {
    const { ask, root, ...server } = await serving()
    await submit({ ask, root, ...server }, base, manifest('/hangs.json'))
    const begun = await ask('POST', '$bulk-submit-status', { body: parameters() })
    const url = (begun.headers.get('content-location') as string).slice(root.length)
    const first = await ask('GET', url)
    expect([first.status, first.headers.get('retry-after')]).toEqual([202, '5'])
    expect(first.headers.get('x-progress')?.length).toBeLessThan(100)
    let last = first
    for (let n = 0; n < 100 && last.status === 202; n++) last = await ask('GET', url)
    expect([last.status, codesOf(last)]).toEqual([429, ['throttled']])
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('a submission where a hundred wait; those that wait for their client are none of them', async () => {
    const server = await serving()
    const { submissions } = await server.store.tenant('default')
    for (let n = 0; n < 100; n++) {
      const name = { submitter: 'other', submission: `${n}` }
      await submissions.begin(name)
      if (n < 99) await submissions.add(name, { url: `${from}/hangs.json` })
    }
    expect(await submissions.waiting()).toBe(99)
    expect((await submit(server, base, manifest('/two.json'))).status).toBe(200)
    await submissions.add({ submitter: 'other', submission: '99' }, { url: `${from}/hangs.json` })
    const body = parameters(base, manifest('/two.json'))
    body.parameter[1] = { name: 'submissionId', valueString: 'another' } as never
    const refused = await server.ask('POST', '$bulk-submit', { body })
    expect([refused.status, codesOf(refused), refused.headers.get('retry-after')]).toEqual([429, ['throttled'], '60'])
  })
})

test('what cannot be taken is refused, and says where', async () => {
  const server = await serving()
  const refused = async (body: unknown): Promise<string> => {
    const answer = await server.ask('POST', '$bulk-submit', { body })
    expect(answer.status).toBe(400)
    return `${codesOf(answer)} ${answer.body.issue[0].expression?.[0] ?? answer.body.issue[0].location?.[0]}`
  }
  expect(await refused('{')).toContain('structure')
  expect(await refused({ resourceType: 'Patient' })).toBe('invalid Parameters')
  expect(await refused({ resourceType: 'Parameters', parameter: {} })).toBe('structure Parameters.parameter')
  expect(await refused({ resourceType: 'Parameters', parameter: [id, state('completed')] })).toContain('required')
  expect(await refused(parameters())).toContain('required')
  expect(await refused(parameters(manifest('/one.json')))).toContain('required')
  expect(await refused(parameters(state('nonsense')))).toBe('value Parameters.parameter[2]')
  expect(await refused(parameters(state('completed'), { name: 'fileEncryptionKey' }))).toContain('not-supported')
  expect(await refused(parameters(state('completed'), { name: 'nonsense' }))).toContain('not-supported')
  expect(await refused(parameters(state('completed'), { name: 'outputFormat', valueString: 'csv' }))).toContain(
    'not-supp',
  )
  for (const code of ['__proto__', 'constructor', 7, null])
    expect(await refused(parameters(state(code as string)))).toBe('value Parameters.parameter[2]')
  for (const value of [null, 'x', [], { system: 'urn:x' }])
    expect(
      await refused({
        ...parameters(),
        parameter: [{ name: 'submitter', valueIdentifier: value }, id, state('stopped')],
      }),
    ).toBe('value Parameters.parameter[0]')
  for (const value of ['x'.repeat(200), '\u0000']) {
    const named = (...parameter: object[]) => ({
      resourceType: 'Parameters',
      parameter: [...parameter, state('stopped')],
    })
    const identifier = { name: 'submitter', valueIdentifier: { value } }
    expect(await refused(named(identifier, id))).toBe('value Parameters.parameter[0]')
    expect(await refused(named(submitter, { ...id, valueString: value }))).toBe('value Parameters.parameter[1]')
  }
  for (const twice of [submitter, state('completed'), manifest('/one.json')])
    expect(await refused(parameters(base, twice, twice))).toMatch(/^value Parameters.parameter\[[34]\]$/)
  expect((await server.ask('GET', '$bulk-submit-status/nonsense')).status).toBe(404)
  expect((await server.ask('POST', '$bulk-submit-status', { body: parameters() })).status).toBe(404)
})

test('private addresses are not fetched unless the store is told so, and no file of its machine ever', async () => {
  const server = await running()
  const before = seen.length
  await submit(server, manifest('/one.json'), base)
  await submit(server, { name: 'manifestUrl', valueUrl: 'file:///etc/hostname' }, base, state('completed'))
  const { body } = await ended(server)
  expect(body.outcome).toHaveLength(2)
  for (const { url } of body.outcome)
    expect(JSON.stringify(await outcomesAt(server, url))).toMatch(/private|file of this machine/)
  expect(seen).toHaveLength(before)
})

test('a submission is for who has begun it, and takes the permissions to write', async () => {
  const key = await newKey()
  const authentication = { issuer, audience, jwks: { keys: [await publicJwk(key)] } }
  const server = await running({ authentication }, await openStore('memory:', { sources: { allowPrivate: true } }))
  const as = async (sub: string, scope: string) => ({
    authorization: `Bearer ${await tokenOf({ key, claims: { sub, scope } })}`,
  })
  const ask = async (sub: string, path: string, scope = 'system/*.cud') =>
    server.ask('POST', path, {
      body: parameters(...(path === '$bulk-submit' ? [state('in-progress')] : [])),
      headers: await as(sub, scope),
    })
  expect((await ask('ann', '$bulk-submit')).status).toBe(200)
  expect((await ask('ann', '$bulk-submit', 'system/*.cu')).status).toBe(403)
  // The scope of Bulk Data Access is for submissions, and for nothing else.
  for (const path of ['$bulk-submit', '$bulk-submit-status'])
    expect((await ask('ann', path, 'system/bulk-submit')).status).toBeLessThan(300)
  const read = await server.ask('GET', 'Patient/a', { headers: await as('ann', 'system/bulk-submit') })
  expect(read.status).toBe(403)
  const write = await server.ask('PUT', 'Patient/a', {
    headers: await as('ann', 'system/bulk-submit'),
    body: patient('a'),
  })
  expect(write.status).toBe(403)
  expect((await ask('ann', '$bulk-submit', 'patient/bulk-submit')).status).toBe(403)
  expect((await ask('bob', '$bulk-submit')).status).toBe(404)
  expect((await ask('bob', '$bulk-submit-status')).status).toBe(404)
  const begun = await ask('ann', '$bulk-submit-status')
  const url = (begun.headers.get('content-location') as string).slice(server.root.length)
  expect((await server.ask('GET', url, { headers: await as('ann', 'system/*.cud') })).status).toBe(202)
  expect((await server.ask('GET', url, { headers: await as('bob', 'system/*.cud') })).status).toBe(404)
})
