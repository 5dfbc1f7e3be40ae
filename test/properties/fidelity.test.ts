/** Bodies are bytes: what comes in comes back, but for what the server owns. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/open.js'
import type { Tenant } from '../../src/store.js'
import { anyBodies, bytesOf, render, stampable } from '../domain/body/generated.js'
import { makeWorld } from '../protocol/world.js'

/** Newlines outside of strings become spaces; in strings JSON has none. */
const onOneLine = (text: string): string => text.replace(/[\r\n]/g, ' ')

/** The very bytes, not a copy. */
const viewOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length)

/** One body along every way out of the store. */
async function everyWayOut(tenant: Tenant, type: string, id: string): Promise<Buffer[]> {
  const found = [
    await tenant.read(type, id),
    await tenant.read(type, id, { version: 1 }),
    (await tenant.history()).entries[0],
    (await tenant.history({ type })).entries[0],
    (await tenant.history({ type, id })).entries[0],
    await (await tenant.snapshot()).read(type, id),
  ]
  for await (const { transactions } of tenant.commits()) found.push(transactions[0]?.events[0])
  return found.map((version) => viewOf(version?.body as Uint8Array))
}

describe('a body', () => {
  test('of a tenant of plain JSON comes back byte for byte, on one line', async () => {
    await fc.assert(
      fc.asyncProperty(anyBodies.map(render), fc.boolean(), async (text, large) => {
        const { tenant } = await makeWorld().enter({ limits: { maxInlineBytes: large ? 0 : 1_000_000, cacheBytes: 0 } })
        await tenant.create('Note', bytesOf(text), { id: 'a' })
        for (const body of await everyWayOut(tenant, 'Note', 'a')) expect(body.toString()).toBe(onOneLine(text))
      }),
    )
  })

  test('of a FHIR tenant comes back the same on every way out, and says what was sent and what the server owns', async () => {
    const bodies = stampable.map((body) => {
      const members = body.members.filter(({ name }) => name !== 'resourceType' && name !== 'id')
      const type = {
        name: 'resourceType',
        spelling: '"resourceType"',
        value: { kind: 'leaf', text: '"Basic"' },
      } as const
      return render({ ...body, members: [...members, type] })
    })
    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async (text, large) => {
        const { store } = await makeWorld().open({ limits: { maxInlineBytes: large ? 0 : 1_000_000, cacheBytes: 0 } })
        const tenant = await store.tenant('f', { kind: 'fhir' })
        const { at } = await tenant.create('Basic', bytesOf(text), { id: 'a' })
        const [first, ...others] = await everyWayOut(tenant, 'Basic', 'a')
        for (const other of others) expect(other.equals(first as Buffer)).toBe(true)
        const { id, meta, ...rest } = JSON.parse(String(first))
        const { id: _, meta: sent = {}, ...expected } = JSON.parse(text)
        expect({ id, rest, meta }).toEqual({
          id: 'a',
          rest: expected,
          meta: { ...sent, versionId: '1', lastUpdated: at },
        })
      }),
    )
  })

  test('keeps every digit and every space', async () => {
    const { store } = await makeWorld().open()
    const tenant = await store.tenant('f', { kind: 'fhir' })
    const { at } = await tenant.create(
      'Basic',
      '{ "resourceType" : "Basic",  "a":1.10, "b":12345678901234567890 ,"c":"\\u0041"}',
      {
        id: 'a',
      },
    )
    const stamp = `,"id":"a","meta":{"versionId":"1","lastUpdated":"${at}"}`
    expect((await tenant.read('Basic', 'a'))?.text()).toBe(
      `{ "resourceType" : "Basic"${stamp},  "a":1.10, "b":12345678901234567890 ,"c":"\\u0041"}`,
    )
  })

  test.each(['memory', 'folder'])(
    'belongs to the caller: what is done to the bytes changes nothing in the store, in %s',
    async (place) => {
      const folder = mkdtempSync(join(tmpdir(), 'annals-fidelity-'))
      const store = place === 'memory' ? (await makeWorld().open()).store : await openStore(`file:${folder}`)
      const tenant = await store.tenant('t', { kind: 'json' })
      const sent = Buffer.from('{"n":1}')
      const writing = tenant.create('Note', sent, { id: 'a' })
      sent.fill(0)
      await writing
      for (const body of await everyWayOut(tenant, 'Note', 'a')) {
        expect(body.toString()).toBe('{"n":1}')
        body.fill(0)
      }
      for (let again = 0; again < 2; again++) {
        const found = await tenant.read('Note', 'a')
        expect(found?.text()).toBe('{"n":1}')
        found?.body?.fill(0)
      }
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  )
})
