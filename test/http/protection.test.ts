/** What one client may take of the server: sizes, times, connections, and all of them together. */
import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { openStore } from '../../src/index.js'
import { tempFolder } from '../cli/harness.js'
import { codesOf, type Running, running } from './server.js'
import { open, type Raw, sendRaw } from './wire.js'

const patient = (bytes: number): string => {
  const [before, after] = ['{"resourceType":"Patient","language":"', '"}']
  return `${before}${'x'.repeat(bytes - before.length - after.length)}${after}`
}

const head = (path: string, ...headers: string[]): string =>
  [`POST /fhir/${path} HTTP/1.1`, 'Host: a', 'Content-Type: application/fhir+json', ...headers, '', ''].join('\r\n')

/** Sends the head of a request, which takes its share until its body is sent; it has it when it is told to go on. */
async function begun({ root }: Running, ...headers: string[]): Promise<Raw> {
  const raw = open(root)
  raw.socket.write(head('Patient', 'Expect: 100-continue', ...headers))
  await expect.poll(() => statusesOf(raw.text())).toEqual(['100'])
  return raw
}

const statusesOf = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status)

const outcomeIn = (text: string) => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))

/** Chunks of a body, one for each turn of a timer. */
function dribble({ socket }: Raw, chunks: ReadonlyArray<string>, everyMs: number): void {
  const left = [...chunks]
  const timer = setInterval(() => {
    const chunk = left.shift()
    if (chunk === undefined || socket.destroyed) clearInterval(timer)
    else socket.write(chunk)
  }, everyMs)
}

describe('a body', () => {
  test('over the limit is refused, whether it is announced or comes in chunks; the connection goes on', async () => {
    const server = await running({ maxBodyBytes: 1_000 })
    expect((await server.ask('POST', 'Patient', { body: patient(1_000) })).status).toBe(201)
    const announced = await server.ask('POST', 'Patient', { body: patient(1_001) })
    expect([announced.status, codesOf(announced)]).toEqual([413, ['too-long']])
    expect(announced.body.issue[0].diagnostics).toContain('1000 bytes')
    const raw = open(server.root)
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
    const chunks = [patient(900), 'x'.repeat(200), ''].map(chunk).join('')
    raw.socket.write(`${head('Patient', 'Transfer-Encoding: chunked')}${chunks}`)
    await expect.poll(() => statusesOf(raw.text())).toEqual(['413'])
    raw.socket.write(`${head('Patient', 'Content-Length: 500')}${patient(500)}`)
    await expect.poll(() => statusesOf(raw.text())).toEqual(['413', '201'])
    raw.socket.destroy()
    expect((await (await server.store.tenant('default')).head()).seq).toBe(2)
  })

  test('that is a Bundle has a limit of its own, at the base', async () => {
    const server = await running({ maxBodyBytes: 1_000, maxBundleBytes: 10_000 })
    const entry = { resource: JSON.parse(patient(900)), request: { method: 'POST', url: 'Patient' } }
    const bundle = (entries: number) => ({ resourceType: 'Bundle', type: 'batch', entry: Array(entries).fill(entry) })
    expect((await server.ask('POST', '', { body: bundle(9) })).status).toBe(200)
    expect((await server.ask('POST', '', { body: bundle(11) })).status).toBe(413)
  })

  test('of megabytes too many is answered, though the client sends all of it before it looks', async () => {
    const { base } = await running({ maxBodyBytes: 1_000 })
    const headers = { 'content-type': 'application/fhir+json' }
    const answer = await fetch(`${base}/Patient`, { method: 'POST', headers, body: patient(8_000_000) })
    expect([answer.status, (await answer.json()).issue[0].code]).toEqual([413, 'too-long'])
  })

  test('is let go of when the client does not stop sending what is refused', async () => {
    const { root } = await running({ maxBodyBytes: 1_000 })
    const { socket, text, closed } = open(root)
    socket.write(head('Patient', 'Content-Length: 1000000000000'))
    const sending = setInterval(() => socket.write('x'.repeat(1_000)), 50)
    await closed
    clearInterval(sending)
    expect(statusesOf(text())).toEqual(['413'])
  })

  test('that was injected leaves nobody to let go of', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const { app } = await running({ maxBodyBytes: 1_000 })
      const headers = { 'content-type': 'application/fhir+json' }
      for (const bytes of [500, 2_000])
        await app.inject({ method: 'POST', url: '/fhir/Patient', headers, payload: patient(bytes) })
      expect(() => vi.advanceTimersByTime(60_000)).not.toThrow()
    } finally {
      vi.useRealTimers()
    }
  })

  test('is not sent at all by a client that asks first, if it would be refused', async () => {
    const server = await running({ maxBodyBytes: 1_000 })
    const asking = 'Expect: 100-continue'
    // What comes next could be the body all the same: nothing can follow on the connection.
    for (const [status, path, expecting, length] of [
      ['413', 'Patient', asking, 1_001],
      ['404', 'Nonsense/x/y/z', asking, 10],
      ['417', 'Patient', 'Expect: more', 10],
    ] as const) {
      const text = await sendRaw(server.root, head(path, expecting, `Content-Length: ${length}`))
      expect([statusesOf(text), /^connection: (.*)\r$/im.exec(text)?.[1]]).toEqual([[status], 'close'])
    }
    const raw = open(server.root)
    raw.socket.write(head('Patient', asking, 'Content-Length: 500'))
    await expect.poll(() => statusesOf(raw.text())).toEqual(['100'])
    raw.socket.write(patient(500))
    await expect.poll(() => statusesOf(raw.text())).toEqual(['100', '201'])
    // The connection is as good as any other.
    raw.socket.write(head('Patient', asking, 'Content-Length: 500', 'Connection: close'))
    await expect.poll(() => statusesOf(raw.text())).toEqual(['100', '201', '100'])
    raw.socket.write(patient(500))
    expect(statusesOf(await raw.closed)).toEqual(['100', '201', '100', '201'])
  })
})

describe('a slow client', () => {
  test('is told so when the head of its request takes too long', async () => {
    const { root } = await running({ headersTimeoutMs: 200 })
    const raw = open(root)
    dribble(raw, [...'GET /fhir/metadata HTTP/1.1\r\nHost: a\r\nX-Slow: yes'], 20)
    const text = await raw.closed
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(outcomeIn(text)).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'timeout' }] })
  })

  test('is told so when its body takes too long, and nothing is written', async () => {
    const server = await running({ requestTimeoutMs: 200, minBodyBytesPerSecond: 1_000 })
    const raw = open(server.root)
    raw.socket.write(head('Patient', 'Content-Length: 1000'))
    dribble(raw, [...patient(1_000)], 20)
    const text = await raw.closed
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(outcomeIn(text)).toMatchObject({ issue: [{ code: 'timeout', location: ['http.body'] }] })
    expect((await (await server.store.tenant('default')).head()).seq).toBe(0)
  })

  test('may take longer as long as it goes on', async () => {
    const { root } = await running({ requestTimeoutMs: 100, minBodyBytesPerSecond: 1_000 })
    const raw = open(root)
    raw.socket.write(head('Patient', 'Content-Length: 10000', 'Connection: close'))
    const body = patient(10_000)
    const begun = performance.now()
    dribble(
      raw,
      Array.from({ length: 10 }, (_, n) => body.slice(n * 1_000, (n + 1) * 1_000)),
      50,
    )
    expect(statusesOf(await raw.closed)).toEqual(['201'])
    expect(performance.now() - begun).toBeGreaterThan(300)
  })

  test('that does not take its answer is let go of', async () => {
    const server = await running({ connectionTimeoutMs: 300 })
    const body = patient(30_000_000).replace('{', '{"id":"big",')
    await (await server.store.tenant('default')).update('Patient', 'big', body)
    const { socket } = open(server.root)
    socket.pause()
    const [connection] = await once(server.app.server, 'connection')
    socket.write('GET /fhir/Patient/big HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(connection, 'close')
    socket.destroy()
  })

  test('that asks for nothing more is let go of', async () => {
    const { root, ask } = await running({ keepAliveTimeoutMs: 1_000 })
    const text = await sendRaw(root, 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(statusesOf(text)).toEqual(['200'])
    // Clients are told when, so that they do not ask at that moment.
    expect((await ask('GET', '/health/live')).headers.get('keep-alive')).toBe('timeout=1')
  })
})

describe('too much', () => {
  test('of a head is told so', async () => {
    const { root } = await running({ maxHeaderBytes: 4_096 })
    const flood = Array.from({ length: 500 }, (_, n) => `X-${n}: ${'x'.repeat(20)}`).join('\r\n')
    const text = await sendRaw(root, `GET /fhir/metadata HTTP/1.1\r\nHost: a\r\n${flood}\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
    expect(outcomeIn(text)).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'too-long' }] })
  })

  test('of headers does not hide those that come last', async () => {
    const server = await running({ maxHeaderBytes: 64 * 1024 })
    await server.ask('PUT', 'Patient/a', { body: { resourceType: 'Patient', id: 'a' } })
    const flood = Array.from({ length: 2_500 }, (_, n) => `X${n}: 1`)
    const body = '{"resourceType":"Patient","id":"a","active":true}'
    const last = ['If-Match: W/"7"', `Content-Length: ${body.length}`, 'Connection: close']
    const text = await sendRaw(server.root, `${head('Patient/a', ...flood, ...last).replace('POST', 'PUT')}${body}`)
    expect(statusesOf(text)).toEqual(['412'])
  })

  test('of connections: the next one is closed', async () => {
    const { root } = await running({ maxConnections: 2 })
    const held = [open(root), open(root)]
    await Promise.all(held.map(({ socket }) => once(socket, 'connect')))
    expect(await sendRaw(root, 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('')
    for (const { socket } of held) socket.destroy()
    await expect
      .poll(() => sendRaw(root, 'GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
      .toMatch(/^HTTP\/1\.1 200/)
  })

  test.each([
    ['announced', ['Content-Length: 900'], patient(900)],
    ['in chunks', ['Transfer-Encoding: chunked'], `${(100).toString(16)}\r\n${patient(900).slice(800)}\r\n0\r\n\r\n`],
  ])('of bodies at a time, %s: 503, until there is room', async (name, headers, rest) => {
    const server = await running({ maxBodyBytesInFlight: 1_000 })
    const raw = await begun(server, ...headers)
    if (name === 'in chunks') raw.socket.write(`${(800).toString(16)}\r\n${patient(900).slice(0, 800)}\r\n`)
    const body = patient(500)
    await expect.poll(async () => (await server.ask('POST', 'Patient', { body })).status).toBe(503)
    const refused = await server.ask('POST', 'Patient', { body })
    expect([codesOf(refused), refused.headers.get('retry-after')]).toEqual([['throttled'], '1'])
    expect((await server.ask('GET', 'metadata')).status).toBe(200)
    raw.socket.write(rest)
    await expect.poll(() => statusesOf(raw.text())).toEqual(['100', '201'])
    await expect.poll(async () => (await server.ask('POST', 'Patient', { body })).status).toBe(201)
    raw.socket.destroy()
  })

  test('of requests at a time: 503, until one is answered or its client goes; health is asked for all the same', async () => {
    const server = await running({ maxRequestsInFlight: 1 })
    const raw = await begun(server, 'Content-Length: 500')
    const refused = await server.ask('GET', 'metadata')
    expect([refused.status, codesOf(refused), refused.headers.get('retry-after')]).toEqual([503, ['throttled'], '1'])
    expect((await server.ask('GET', '/health/live')).status).toBe(200)
    expect((await server.ask('GET', '/health/ready')).status).toBe(200)
    raw.socket.write(patient(500))
    await expect.poll(() => statusesOf(raw.text())).toEqual(['100', '201'])
    await expect.poll(async () => (await server.ask('GET', 'metadata')).status).toBe(200)
    const gone = await begun(server, 'Content-Length: 500')
    expect((await server.ask('GET', 'metadata')).status).toBe(503)
    gone.socket.destroy()
    await expect.poll(async () => (await server.ask('GET', 'metadata')).status).toBe(200)
  })

  test('for the event loop, again and again: 503, until it is in time', async () => {
    const server = await running({ maxEventLoopDelayMs: 100 })
    const busy = (ms: number): void => {
      for (const end = performance.now() + ms; performance.now() < end; );
    }
    const turn = () => new Promise((resolve) => setTimeout(resolve))
    busy(600)
    await turn()
    // Once is a large request, and no overload.
    expect((await server.ask('GET', 'metadata')).status).toBe(200)
    let refused = 0
    for (let n = 0; n < 20 && refused === 0; n++) {
      busy(600)
      await turn()
      if ((await server.ask('GET', 'metadata')).status === 503) refused += 1
    }
    expect(refused).toBe(1)
    await expect.poll(async () => (await server.ask('GET', 'metadata')).status).toBe(200)
  })

  test('for the queue of the writer: 503, and what was answered otherwise is there', async () => {
    const store = await openStore(`file:${tempFolder()}/store`, { limits: { maxQueuedTransactions: 1 } })
    const server = await running({}, store)
    const ids = Array.from({ length: 200 }, (_, n) => `p${n}`)
    const answers = await Promise.all(
      ids.map((id) => server.ask('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id } })),
    )
    const refused = answers.filter(({ status }) => status === 503)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) {
      expect(codesOf(answer)).toEqual(['transient'])
      expect(answer.headers.get('retry-after')).toBe('1')
    }
    for (const [n, { status }] of answers.entries()) {
      expect([201, 503]).toContain(status)
      expect((await server.ask('GET', `Patient/p${n}`)).status).toBe(status === 201 ? 200 : 404)
    }
  })
})
