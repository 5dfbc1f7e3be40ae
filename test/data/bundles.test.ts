/**
 * The Synthea bundles: loaded as they are, every reference resolved, every number as it was sent, and taken back and brought
 * back as transactions.
 */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { numberTokens } from '../../domain/body/index.js'
import { openStore, type Store, type Tenant } from '../../src/index.js'

const folder = fileURLToPath(new URL('../../../shared/data/synthea/', import.meta.url))
const isAtHand = fs.existsSync(folder)
// Hospitals and practitioners first: the patients refer to them by conditions.
const files = isAtHand ? fs.readdirSync(folder).sort() : []

if (!isAtHand) console.log('the Synthea bundles are not at hand: their suite is skipped')

/** Every resource that there is, by its reference. */
async function current(tenant: Tenant): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  const types = new Set<string>()
  for await (const { transactions } of tenant.commits({ bodies: false }))
    for (const { events } of transactions) for (const { type } of events) types.add(type)
  for (const type of types) {
    let cursor: string | undefined
    do {
      const page = await tenant.list(type, { count: 500, cursor })
      for (const { id, body } of page.entries) found.set(`${type}/${id}`, body as Uint8Array)
      cursor = page.cursor
    } while (cursor !== undefined)
  }
  return found
}

/** What a resource says, without the versions that bringing it back has added. */
const said = (resources: Map<string, Uint8Array>): Map<string, string> =>
  new Map(
    [...resources].map(([ref, body]) => {
      const { meta, ...rest } = JSON.parse(Buffer.from(body).toString())
      return [ref, JSON.stringify({ ...rest, meta: { ...meta, versionId: '', lastUpdated: '' } })]
    }),
  )

function referencesIn(value: unknown, found: string[] = []): string[] {
  if (Array.isArray(value)) for (const each of value) referencesIn(each, found)
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value))
      if (name === 'reference' && typeof each === 'string') found.push(each)
      else referencesIn(each, found)
  return found
}

describe.skipIf(!isAtHand)('the Synthea bundles (skipped if not at hand)', () => {
  let store: Store
  let tenant: Tenant
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-synthea-'))
  const transactions: string[] = []
  const numbers = { sent: [] as string[], stored: [] as string[] }
  let entries = 0

  beforeAll(async () => {
    store = await openStore(`file:${join(root, 'store')}`)
    tenant = await store.tenant('synthea')
    const began = performance.now()
    for (const file of files) {
      const bytes = gunzipSync(fs.readFileSync(join(folder, file)))
      const bundle = await tenant.bundle(bytes)
      expect(bundle.entries.map(({ status }) => status).filter((status) => status !== 201)).toEqual([])
      entries += bundle.entries.length
      if (bundle.transaction !== undefined) transactions.push(bundle.transaction)
      numbers.sent.push(...numberTokens(bytes))
    }
    console.log(`${entries} entries of Synthea in ${Math.round(performance.now() - began)} ms`)
  })
  afterAll(async () => {
    await store.close()
    fs.rmSync(root, { recursive: true, force: true })
  })

  test('load whole, with no reference that leads nowhere', async () => {
    const resources = await current(tenant)
    expect(resources.size).toBe(entries)
    expect(transactions).toHaveLength(10)
    let references = 0
    for (const body of resources.values()) {
      numbers.stored.push(...numberTokens(body))
      for (const reference of referencesIn(JSON.parse(Buffer.from(body).toString()))) {
        if (reference.startsWith('#')) continue
        references++
        expect(resources.has(reference), reference).toBe(true)
      }
    }
    expect(references).toBeGreaterThan(20_000)
  })

  test('keep every number as it was sent', () => {
    expect(numbers.stored.sort()).toEqual(numbers.sent.sort())
    expect(numbers.sent.filter((token) => String(Number(token)) !== token).length).toBeGreaterThan(500)
  })

  test('are taken back to nothing with their history kept, and brought back as they were', async () => {
    const first = said(await current(tenant))
    const { seq } = await tenant.head()
    const undone = await tenant.revert({ from: 1, to: seq })
    expect((await current(tenant)).size).toBe(0)
    const { seq: undoneAt } = await tenant.head()
    expect(undoneAt).toBe(seq + 1)
    const [ref = ''] = first.keys()
    const [type = '', id = ''] = ref.split('/')
    expect((await tenant.versions(type, id)).entries.map(({ op }) => op)).toEqual(['delete', 'create'])
    await tenant.revert({ transaction: undone.id ?? '' })
    expect(said(await current(tenant))).toEqual(first)
    expect((await store.verify('synthea')).differences).toBe(0)
  })
})
