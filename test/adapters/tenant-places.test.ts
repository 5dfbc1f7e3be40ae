/** Several places look like one: whatever is asked, the answers are those of a single blob store. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryBlobStore } from '../../adapters/memory/index.js'
import { blobsByTenant } from '../../adapters/tenant-places.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { attempt, run } from '../../domain/task.js'

const tenants = ['a', 'ab', 'b/c', 'ü']
const segments = ['a', 'ab', 'b%2Fc', '%C3%BC']
const keys = [
  'annals.json',
  'zz.json',
  '%doctor/x/1',
  ...segments.flatMap((s) => [`${s}/tenant.json`, `${s}/x/1`, `${s}/x/2`]),
]

function makeBoth() {
  const home = memoryBlobStore()
  const places = new Map(tenants.map((tenant) => [tenant, memoryBlobStore()]))
  return { home, places, routed: blobsByTenant(home, places), plain: memoryBlobStore() }
}

describe('a bucket per tenant', () => {
  test('answers as one store would', async () => {
    const key = fc.constantFrom(...keys)
    const step = fc.oneof(
      fc.record({ do: fc.constant('create' as const), key }),
      fc.record({ do: fc.constant('put' as const), key }),
      fc.record({ do: fc.constant('delete' as const), keys: fc.array(key) }),
      fc.record({
        do: fc.constant('list' as const),
        prefix: fc.constantFrom('', 'a', 'a/', 'ab/x', '%', 'b%2Fc/x/', 'z'),
        after: fc.option(key, { nil: undefined }),
        limit: fc.integer({ min: 1, max: 8 }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { routed, plain } = makeBoth()
        for (const [n, each] of steps.entries()) {
          const on = async (blobs: typeof plain): Promise<unknown> => {
            if (each.do === 'create') return run(blobs.createIfAbsent(each.key, Buffer.from(`${n}`)))
            if (each.do === 'put') return run(blobs.put(each.key, Buffer.from(`${n}`)))
            if (each.do === 'delete') return run(blobs.delete(each.keys))
            return run(blobs.list(each.prefix, each))
          }
          expect(await on(routed)).toEqual(await on(plain))
        }
        for (const each of keys)
          expect((await run(routed.get(each)))?.bytes).toEqual((await run(plain.get(each)))?.bytes)
      }),
    )
  })

  test('keeps each tenant in its own place and the rest at home', async () => {
    const { home, places, routed } = makeBoth()
    for (const key of keys) await run(routed.put(key, Buffer.from('x')))
    const all = async (store: typeof home) => (await run(store.list('', { limit: 100 }))).entries.map(({ key }) => key)
    expect(await all(home)).toEqual(['%doctor/x/1', 'annals.json', 'zz.json'])
    expect(await all(places.get('b/c') as typeof home)).toEqual(['b%2Fc/tenant.json', 'b%2Fc/x/1', 'b%2Fc/x/2'])
  })

  test('refuses a tenant that has none', async () => {
    const { routed } = makeBoth()
    const refused = await routed.createIfAbsent('abc/tenant.json', Buffer.from('x'))()
    expect(refused).toMatchObject({ _tag: 'Left', left: { _tag: 'InvalidInput' } })
    if (refused._tag === 'Left') expect(refused.left.message).toContain("tenant 'abc'")
    expect(await routed.get('abc/tenant.json')()).toMatchObject({ _tag: 'Left' })
    expect(await routed.delete(['a/x/1', 'abc/x'])()).toMatchObject({ _tag: 'Left' })
  })

  test('signs URLs where its places do, each its own', async () => {
    const { home, places } = makeBoth()
    expect(blobsByTenant(home, places).signedUrl).toBeUndefined()
    const signing = (place: string, blobs: BlobStore): BlobStore => ({
      ...blobs,
      signedUrl: (key) => attempt(async () => `${place} ${key}`),
    })
    const signed = new Map([...places].map(([tenant, blobs]) => [tenant, signing(tenant, blobs)]))
    const { signedUrl } = blobsByTenant(signing('home', home), signed)
    const options = { ms: 1_000, contentType: 'text/plain' }
    for (const [key, place] of [
      ['annals.json', 'home'],
      ['ab/x/1', 'ab'],
    ] as const)
      expect(await run(signedUrl?.(key, options) ?? attempt(async () => ''))).toBe(`${place} ${key}`)
  })
})
