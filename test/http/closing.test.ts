/** The end of a server: what is under way is finished, or cut at the deadline; nobody new comes in. */
import { expect, test } from 'vitest'
import { type Running, running } from './server.js'
import { open, type Raw, sendRaw } from './wire.js'

const body = '{"resourceType":"Patient","id":"a"}'
const health = (path: string): string => `GET /health/${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** A request that is under way: the server has said that it wants its body. */
async function underWay({ root }: Running): Promise<Raw> {
  const raw = open(root)
  const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`, 'Expect: 100-continue']
  raw.socket.write(['PUT /fhir/Patient/a HTTP/1.1', 'Host: a', ...headers, '', ''].join('\r\n'))
  await expect.poll(raw.text).toMatch(/^HTTP\/1\.1 100/)
  return raw
}

test('finishes what is under way, closes its connection, and takes nobody new', async () => {
  const server = await running()
  const raw = await underWay(server)
  const idle = open(server.root)
  await expect.poll(() => idle.socket.readyState).toBe('open')
  const closed = server.app.close()
  expect(await idle.closed).toBe('')
  expect(await sendRaw(server.root, health('live'))).toBe('')
  raw.socket.write(body)
  const text = await raw.closed
  expect(text).toContain('HTTP/1.1 201 ')
  expect(text.toLowerCase()).toContain('connection: close')
  await closed
  expect((await (await server.store.tenant('default')).read('Patient', 'a'))?.version).toBe(1)
})

test('cuts what is under way at its deadline; nothing half-written is there', async () => {
  const server = await running({ closeTimeoutMs: 100 })
  const raw = await underWay(server)
  await server.app.close()
  expect(await raw.closed).not.toContain('HTTP/1.1 2')
  expect((await (await server.store.tenant('default')).head()).seq).toBe(0)
})

test('goes on for a while if it is told to, and says that it is not ready', async () => {
  const server = await running({ drainMs: 1_000 })
  const closed = server.app.close()
  await expect
    .poll(async () => {
      const text = await sendRaw(server.root, health('ready'))
      return text.slice(text.indexOf('\r\n\r\n') + 4)
    })
    .toBe('{"status":"not ready","reason":"it closes"}')
  const written = await server.ask('PUT', 'Patient/a', { body })
  expect([written.status, written.headers.get('connection')]).toEqual([201, 'close'])
  await closed
  expect(await sendRaw(server.root, health('live'))).toBe('')
})
