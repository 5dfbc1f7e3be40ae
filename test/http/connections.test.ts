/** Connections of clients that break the rules of HTTP, or know them better than most. */

import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { newStore } from '../cli/harness.js'
import { type Running, running } from './server.js'
import { openLine, send, type WireAnswer } from './wire.js'

const fhirJson = 'content-type: application/fhir+json'
const body = '{"resourceType":"Patient","active":true}'
const create = (more = `content-length: ${body.length}`, content = body): string =>
  `POST /fhir/Patient HTTP/1.1\r\nhost: a\r\n${fhirJson}\r\n${more}\r\n\r\n${content}`
const read = (id = 'a'): string => `GET /fhir/Patient/${id} HTTP/1.1\r\nhost: a\r\n\r\n`

/** Status and issue code of each answer. */
const said = (answers: ReadonlyArray<WireAnswer>): unknown[] =>
  answers.map(({ status, headers, body }) => {
    if (status < 400) return status
    expect(headers['content-type']).toMatch(/^application\/fhir\+json/)
    return [status, JSON.parse(body).issue[0].code]
  })

async function expectCommits(commits: number, { ask, store }: Running): Promise<void> {
  expect((await ask('GET', 'metadata')).status).toBe(200)
  expect((await (await store.tenant('default')).head()).seq).toBe(commits)
}

describe('broken HTTP is answered with an outcome, and ends the connection', () => {
  const invalid = [400, 'invalid']
  test.each([
    ['nonsense', 'nonsense\r\n\r\n', invalid],
    ['TLS', Buffer.from('16030100a5010000a10303', 'hex'), invalid],
    ['another version of HTTP', 'GET /fhir/metadata HTTP/9.9\r\n\r\n', invalid],
    ['the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', invalid],
    ['a method that is none', 'X /fhir/metadata HTTP/1.1\r\nhost: a\r\n\r\n', invalid],
    ['a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nhost: a\r\n\r\n', [405, 'not-supported']],
    ['no host', 'GET /fhir/metadata HTTP/1.1\r\nconnection: close\r\n\r\n', [400, 'required']],
    ...['a\r\nhost: b', 'a b', 'a/b?c', '"><b>', 'me@a', 'a,b', ''].map((host): [string, string, unknown[]] => [
      `the host '${host}'`,
      `GET /fhir/metadata HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
      [400, 'value'],
    ]),
    ['an expectation', create(`content-length: ${body.length}\r\nexpect: more`), [417, 'not-supported']],
    ['a header over the limit', create(`x: ${'x'.repeat(20_000)}`), [431, 'too-long']],
    [
      'headers without end',
      create(Array.from({ length: 5_000 }, (_, n) => `x-${n}: x`).join('\r\n')),
      [431, 'too-long'],
    ],
    ['a URL over the limit', read('a'.repeat(100_000)), [431, 'too-long']],
    ['a header in two lines', create('x: y\r\n z'), invalid],
    ['a space before a colon', create('x : y'), invalid],
    ['a zero in a header', create('x: \0'), invalid],
    ['a length below zero', create('content-length: -1'), invalid],
    ['a length that is no number', create('content-length: 4x'), invalid],
    ['two lengths', create('content-length: 4\r\ncontent-length: 40'), invalid],
    ['a length and chunks', create('content-length: 4\r\ntransfer-encoding: chunked', '0\r\n\r\n'), invalid],
    ['an encoding behind chunks', create('transfer-encoding: chunked, x', '0\r\n\r\n'), invalid],
    ['less than its length', create('content-length: 4000'), invalid],
    ['a chunk without a length', create('transfer-encoding: chunked', `zz\r\n${body}\r\n0\r\n\r\n`), invalid],
    ['a chunk below its length', create('transfer-encoding: chunked', `fff\r\n${body}\r\n0\r\n\r\n`), invalid],
    ['a chunk over its length', create('transfer-encoding: chunked', `5\r\n${body}\r\n0\r\n\r\n`), invalid],
    ['a chunk longer than can be', create('transfer-encoding: chunked', `${'f'.repeat(20)}\r\n${body}`), invalid],
    ['no last chunk', create('transfer-encoding: chunked', `${body.length.toString(16)}\r\n${body}\r\n`), invalid],
  ])('%s', async (_, bytes, expected) => {
    const server = await running()
    const { answers, isClosed } = await send(server.root, bytes)
    expect([said(answers), isClosed]).toEqual([[expected], true])
    await expectCommits(0, server)
  })

  test('behind the answers to the requests before it', async () => {
    const server = await running()
    const { answers } = await send(server.root, `${create()}${read()}${create()}nonsense\r\n\r\n${create()}`)
    expect(said(answers)).toEqual([201, [404, 'not-found'], 201, [400, 'invalid']])
    await expectCommits(2, server)
  })

  test('a body that is longer than it says: the rest is no request', async () => {
    const server = await running()
    const { answers } = await send(server.root, create(`content-length: ${body.length}`, `${body}${body}`))
    expect(said(answers)).toEqual([201, [400, 'invalid']])
  })
})

describe('proper HTTP that few clients speak', () => {
  test('requests all at once are answered in their order, whoever takes longest', async () => {
    const server = await running()
    await server.ask('PUT', 'Patient/a', { body: '{"resourceType":"Patient","id":"a"}' })
    const head = 'HEAD /fhir/Patient/a HTTP/1.1\r\nhost: a\r\n\r\n'
    const line = openLine(server.root)
    await line.write(`${create()}${read()}${head}${read('nobody')}${create()}`)
    const { answers, isClosed } = await line.hear(['POST', 'GET', 'HEAD', 'GET', 'POST'])
    expect([said(answers), isClosed]).toEqual([[201, 200, 200, [404, 'not-found'], 201], false])
    line.destroy()
  })

  test('a client that has closed its side is answered, however long it takes', async () => {
    // It waits for a disk.
    const server = await running({}, newStore())
    const { answers } = await send(server.root, create())
    expect(said(answers)).toEqual([201])
    await expectCommits(1, server)
  })

  test.each([
    ['what is not there', read('nobody'), 404],
    ['a body over the limit', create(`content-length: ${body.length}`, body), 413],
  ])('and is let go with its answer, if that refuses %s', async (_, bytes, status) => {
    const server = await running({ maxBodyBytes: 10 }, newStore())
    const { answers, isClosed, isStuck } = await send(server.root, bytes)
    expect([answers.map((answer) => answer.status), isClosed, isStuck]).toEqual([[status], true, false])
  })

  test('a body in chunks, however small, and however they come', async () => {
    const server = await running()
    const chunks = [...body].map((byte) => `1;note=x\r\n${byte}\r\n`)
    const { answers } = await send(server.root, create('transfer-encoding: chunked', ''), ...chunks, '0\r\n\r\n')
    expect(said(answers)).toEqual([201])
  })

  test('100-continue is said before the body, and never in the midst of another answer', async () => {
    const server = await running()
    const headers = { 'content-type': 'application/fhir+json', expect: '100-continue' }
    const asked = request(`${server.base}/Patient`, { method: 'POST', headers })
    const answer = once(asked, 'response')
    asked.flushHeaders()
    await once(asked, 'continue')
    asked.end(body)
    expect((await answer)[0].statusCode).toBe(201)
    const expecting = 'GET /fhir/metadata HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n'
    const { answers } = await send(server.root, `${create()}${expecting}`)
    expect(said(answers)).toEqual([201, 200])
    expect(JSON.parse(answers[1]?.body ?? '')).toMatchObject({ resourceType: 'CapabilityStatement' })
  })

  test('HTTP/1.0 without a host', async () => {
    const { root } = await running()
    const { answers } = await send(root, 'GET /fhir/metadata HTTP/1.0\r\n\r\n')
    expect(said(answers)).toEqual([200])
    expect(JSON.parse(answers[0]?.body ?? '').implementation.url).toBe('/fhir')
  })

  test('a whole URL in the place of a path', async () => {
    const { root } = await running()
    const { answers } = await send(root, 'GET http://a/fhir/metadata HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(said(answers)).toEqual([200])
  })
})

describe('a body over the limit', () => {
  const mebibyte = 1024 * 1024
  const piece = Buffer.alloc(mebibyte, ' ')

  /** The memory of buffers that 100 MB take on their way, in MiB, and what was answered. */
  async function sending(head: string, pieces: ReadonlyArray<string | Uint8Array>) {
    const server = await running({ maxBodyBytes: mebibyte })
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 5)
    const { answers } = await send(server.root, head, ...pieces)
    clearInterval(watch)
    await expectCommits(0, server)
    return { answers, most: most / mebibyte }
  }

  test('is refused before it is sent', async () => {
    const { root } = await running()
    const line = openLine(root)
    await line.write(create(`content-length: ${100 * mebibyte}`, ''))
    const { answers } = await line.hear(['POST'])
    expect(said(answers)).toEqual([[413, 'too-long']])
    line.destroy()
  })

  test('takes no memory when it comes all the same', async () => {
    const { answers, most } = await sending(create(`content-length: ${100 * mebibyte}`, ''), Array(100).fill(piece))
    expect(said(answers)).toEqual([[413, 'too-long']])
    expect(most).toBeLessThan(50)
  })

  test('takes no memory when it comes in chunks, whose number nobody knows', async () => {
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')])
    const { answers, most } = await sending(create('transfer-encoding: chunked', ''), Array(100).fill(chunk))
    expect(said(answers)).toEqual([[413, 'too-long']])
    expect(most).toBeLessThan(50)
  })

  test('hides in no compression', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * mebibyte, ' '))
    const head = create(`content-encoding: gzip\r\ncontent-length: ${bomb.length}`, '')
    const { answers, most } = await sending(head, [bomb])
    expect(said(answers)).toEqual([[415, 'not-supported']])
    expect(answers[0]?.headers['accept-encoding']).toBe('identity')
    expect(most).toBeLessThan(50)
  })
})

test('a request whose client goes away in the midst of it writes nothing', async () => {
  const server = await running()
  for (let at = 1; at < create().length; at += 7) {
    const line = openLine(server.root)
    await line.write(create().slice(0, at))
    line.destroy()
  }
  await expectCommits(0, server)
})

test('no header leads to another tenant, or into links', async () => {
  const server = await running({ tenancy: { from: 'path' }, baseUrl: 'https://fhir.example.org' })
  await server.store.tenant('other')
  await server.ask('PUT', '/tenants/other/fhir/Patient/a', { body: '{"resourceType":"Patient","id":"a"}' })
  const headers = {
    host: 'other',
    forwarded: 'host=evil.example;proto=gopher',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-prefix': '/tenants/other',
    'x-original-url': '/tenants/other/fhir/Patient/a',
    'x-rewrite-url': '/tenants/other/fhir/Patient/a',
    'x-tenant': 'other',
    'x-http-method-override': 'DELETE',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const { answers } = await send(server.root, `GET /fhir/Patient/a HTTP/1.1\r\n${lines.join('')}\r\n`)
  expect(said(answers)).toEqual([[404, 'not-found']])
  const list = await send(server.root, `GET /tenants/other/fhir/Patient HTTP/1.1\r\n${lines.join('')}\r\n`)
  expect(said(list.answers)).toEqual([200])
  expect(list.answers[0]?.body).toContain('https://fhir.example.org/tenants/other/fhir/Patient')
  expect(list.answers[0]?.body).not.toContain('evil.example')
})

test('who asks for a tunnel and is gone at once brings nobody else down', async () => {
  const server = await running()
  const { hostname, port } = new URL(server.root)
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nmore')
      await new Promise((resolve) => setImmediate(resolve))
      socket.resetAndDestroy()
    }),
  )
  expect((await server.ask('GET', 'metadata')).status).toBe(200)
})
