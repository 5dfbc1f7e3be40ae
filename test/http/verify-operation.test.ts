/** `$verify` over real HTTP: a job that is begun, asked for, cancelled, and finds what is really wrong. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { annalsError } from '../../domain/error.js'
import { openStore, type Store, type VerifyOptions } from '../../src/index.js'
import { expectRefused, guarded } from './guarded.js'
import { type Answer, codesOf, type Running, running } from './server.js'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** The path of where to ask. */
const begun = async ({ ask, base, root }: Running, query = ''): Promise<string> => {
  const { status, headers, text } = await ask('POST', `$verify${query}`)
  const place = headers.get('content-location') ?? ''
  expect([status, text, place.startsWith(`${base}/$verify-status/`)]).toEqual([202, '', true])
  return place.slice(root.length)
}

async function ended({ ask }: Running, place: string): Promise<Answer> {
  let last: Answer | undefined
  await expect
    .poll(async () => {
      last = await ask('GET', place)
      return last.status
    })
    .not.toBe(202)
  return last as Answer
}

interface Part {
  readonly name: string
  readonly valueUnsignedInt?: number
  readonly resource?: {
    readonly issue: ReadonlyArray<{ severity: string; details?: { text: string }; diagnostics: string }>
  }
}

const partsOf = ({ body }: Answer): ReadonlyArray<Part> => body.parameter
const numberOf = (answer: Answer, name: string) => partsOf(answer).find((part) => part.name === name)?.valueUnsignedInt
const issuesOf = (answer: Answer) => partsOf(answer).find(({ name }) => name === 'outcome')?.resource?.issue ?? []

/** A store whose verification waits at its beginning, and goes on with what is decided then. */
async function held() {
  const store = await openStore('memory:')
  const waiting: { options: VerifyOptions; go: (error?: unknown) => void; isOver: boolean }[] = []
  const verify: Store['verify'] = async (name, options = {}) => {
    options.onProgress?.({ done: 3, total: 10, events: 5 })
    const own = { options, go: (_?: unknown): void => undefined, isOver: false }
    try {
      await new Promise<void>((resolve, reject) => {
        own.go = (error) => (error === undefined ? resolve() : reject(error))
        waiting.push(own)
        options.signal?.addEventListener('abort', () => reject(annalsError('Cancelled', { what: 'verification' })))
      })
      return await store.verify(name, options)
    } finally {
      // Whatever it reads last takes its time.
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
      own.isOver = true
    }
  }
  const proxy = new Proxy(store, { get: (target, name) => (name === 'verify' ? verify : Reflect.get(target, name)) })
  return { store: proxy, waiting }
}

describe('$verify', () => {
  test.each(['', '?deep=true'])('%s says how much was checked, and that nothing differs', async (query) => {
    const server = await running()
    for (const id of ['a', 'b']) await server.ask('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id } })
    await server.ask('DELETE', 'Patient/b')
    const answer = await ended(server, await begun(server, query))
    expect(answer.status).toBe(200)
    expect(['commits', 'events', 'bodies', 'differences'].map((name) => numberOf(answer, name))).toEqual([3, 3, 2, 0])
    expect(issuesOf(answer)).toEqual([expect.objectContaining({ severity: 'information', code: 'informational' })])
    expect(Date.parse(answer.headers.get('expires') ?? '')).toBeGreaterThan(Date.now())
  })

  test('names what is really wrong: a byte of an object that has changed on the disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'annals-http-'))
    folders.push(folder)
    const server = await running({}, `file:${join(folder, 'store')}`)
    const body = '{"resourceType":"Patient","id":"a","gender":"unknown"}'
    await server.ask('PUT', 'Patient/a', { body })
    const path = join(folder, 'store/objects/default/log/0/00000000000000000001.ndjson')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"unknown"', '"unknowm"'))
    const answer = await ended(server, await begun(server))
    expect([answer.status, numberOf(answer, 'differences')]).toEqual([200, 1])
    expect(issuesOf(answer)).toEqual([
      {
        severity: 'error',
        code: 'processing',
        details: { text: 'body-damaged' },
        diagnostics: expect.stringContaining('Patient/a'),
      },
    ])
    expect(answer.text).not.toContain('unknowm')
  })

  test('names the first hundred differences, and counts the others', async () => {
    const store = await openStore('memory:')
    const verify: Store['verify'] = async (_, { onDifference } = {}) => {
      for (let n = 0; n < 250; n++) onDifference?.({ kind: 'pointer-extra', key: `item ${n}`, problem: 'it is none' })
      return { commits: 0, events: 0, bodies: 0, items: 0, projected: 0, differences: 250 }
    }
    const proxy = new Proxy(store, { get: (target, name) => (name === 'verify' ? verify : Reflect.get(target, name)) })
    const server = await running({}, proxy)
    const answer = await ended(server, await begun(server))
    const issues = issuesOf(answer)
    expect([numberOf(answer, 'differences'), issues.length]).toEqual([250, 101])
    expect(issues.at(-1)).toMatchObject({ severity: 'information', diagnostics: expect.stringMatching(/^150 more/) })
  })

  test('takes the permission to read and to search everything', async () => {
    const { ask, authority } = await guarded()
    const asWith = async (scope: string) => ask('POST', '$verify', { headers: await authority.bearer(scope) })
    for (const scope of ['system/*.r', 'system/*.s', 'system/*.cud', 'system/Patient.rs'])
      expectRefused(await asWith(scope), 403, 'forbidden', 'insufficient_scope')
    expect((await asWith('system/*.rs')).status).toBe(202)
  })
})

describe('a job', () => {
  test('says how far it is, and when to ask again', async () => {
    const { store, waiting } = await held()
    const server = await running({}, store)
    const place = await begun(server)
    for (let n = 0; n < 2; n++) {
      const { status, headers, text } = await server.ask('GET', place)
      expect([status, headers.get('x-progress'), headers.get('retry-after'), text]).toEqual([
        202,
        'commit 3 of 10',
        '1',
        '',
      ])
    }
    waiting[0]?.go()
    const first = await ended(server, place)
    expect((await server.ask('GET', place)).text).toBe(first.text)
  })

  test('is cancelled, and then there is none', async () => {
    const { store, waiting } = await held()
    const server = await running({}, store)
    const place = await begun(server)
    expect((await server.ask('DELETE', place)).status).toBe(202)
    expect(waiting[0]?.options.signal?.aborted).toBe(true)
    for (const method of ['GET', 'DELETE']) {
      const answer = await server.ask(method, place)
      expect([answer.status, ...codesOf(answer)]).toEqual([404, 'not-found'])
    }
    await expect.poll(async () => (await server.ask('POST', '$verify')).status).toBe(202)
    waiting[1]?.go()
  })

  test('that has a result is forgotten when it is deleted, and by itself after a while', async () => {
    const server = await running()
    const place = await begun(server)
    expect((await ended(server, place)).status).toBe(200)
    expect((await server.ask('DELETE', place)).status).toBe(202)
    expect((await server.ask('GET', place)).status).toBe(404)
    const short = await running({ jobRetentionMs: 1 })
    const gone = await begun(short)
    await expect.poll(async () => (await short.ask('GET', gone)).status).toBe(404)
  })

  test('is one at a time for each tenant, and as many for all as the server is told', async () => {
    const { store, waiting } = await held()
    for (const name of ['b', 'c']) await store.tenant(name)
    const { ask } = await running({ tenancy: { from: 'path' }, maxJobs: 2 }, store)
    const begin = (path: string) => ask('POST', `${path}/fhir/$verify`)
    expect((await begin('')).status).toBe(202)
    const again = await begin('')
    expect([again.status, ...codesOf(again), again.headers.get('retry-after')]).toEqual([429, 'throttled', '1'])
    expect(again.body.issue[0].location).toEqual(['http.url'])
    expect((await begin('/tenants/b')).status).toBe(202)
    expect((await begin('/tenants/c')).status).toBe(429)
    waiting[0]?.go()
    // A result that is kept gives way.
    await expect.poll(async () => (await begin('/tenants/c')).status).toBe(202)
    for (const { go } of waiting) go()
  })

  test('is nobody else’s: neither of another tenant nor of another caller', async () => {
    const { store, waiting } = await held()
    await store.tenant('b')
    const { ask, authority, root } = await guarded({}, { tenancy: { from: 'path' } }, store)
    const bearer = async (sub: string) => authority.bearer('system/*.rs', { claims: { sub } })
    const ada = await bearer('ada')
    const place =
      (await ask('POST', '$verify', { headers: ada })).headers.get('content-location')?.slice(root.length) ?? ''
    expect((await ask('GET', place, { headers: ada })).status).toBe(202)
    const elsewhere = place.replace('/fhir/', '/tenants/b/fhir/')
    for (const [path, headers] of [
      [elsewhere, ada],
      [place, await bearer('bob')],
      [place.replace(/.$/, (last) => (last === '0' ? '1' : '0')), ada],
    ] as const)
      for (const method of ['GET', 'DELETE']) expect((await ask(method, path, { headers })).status, path).toBe(404)
    const headers = await authority.bearer('system/Patient.rs', { claims: { sub: 'ada' } })
    expectRefused(await ask('GET', place, { headers }), 403, 'forbidden', 'insufficient_scope')
    expect((await ask('GET', place, { headers: ada })).status).toBe(202)
    for (const { go } of waiting) go()
  })

  test('that fails says so, of a defect no more than that', async () => {
    const { store, waiting } = await held()
    const server = await running({}, store)
    for (const [error, status, code] of [
      [annalsError('Unavailable', { operation: 'get', key: 'k', cause: 'gone' }), 503, 'transient'],
      [new Error('a secret'), 500, 'exception'],
    ] as const) {
      const place = await begun(server)
      waiting.at(-1)?.go(error)
      const answer = await ended(server, place)
      expect([answer.status, ...codesOf(answer)]).toEqual([status, code])
      expect(answer.text).not.toContain('secret')
    }
  })

  test('ends with the server, which waits for it', async () => {
    const { store, waiting } = await held()
    const server = await running({}, store)
    await begun(server)
    await server.app.close()
    expect([waiting[0]?.options.signal?.aborted, waiting[0]?.isOver]).toEqual([true, true])
  })
})
