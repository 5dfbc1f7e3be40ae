/** A tenant of several logs answers as one of a single log that was written the same. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { currentIndexProjection, type ResourceVersion, type Tenant } from '../../src/index.js'
import { makeWorld } from '../protocol/world.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const types = ['Note', 'a#b']
const refs = fc.record({ type: fc.constantFrom(...types), id: fc.constantFrom('a', 'b', 'c/d', '..', 'ä😀', 'e', 'f') })
type Ref = { readonly type: string; readonly id: string }

const steps = fc.array(
  fc.record({ ref: refs, op: fc.constantFrom('update', 'update', 'delete', 'project'), value: fc.nat(99) }),
  { minLength: 1, maxLength: 40 },
)

const show = ({ type, id, version, op, deleted, body }: ResourceVersion): string =>
  JSON.stringify([type, id, version, op, deleted, body === undefined ? null : Buffer.from(body).toString()])

type PageOf = (options: { count: number; cursor?: string }) => Promise<{
  entries: ReadonlyArray<ResourceVersion>
  cursor?: string
}>

/** Every page, and what happens between two of them. */
async function all(count: number, pageOf: PageOf, between: () => Promise<unknown> = async () => undefined) {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await pageOf({ count, cursor })
    expect(page.entries.length).toBeLessThanOrEqual(count)
    expect(page.cursor === undefined || page.entries.length === count).toBe(true)
    found.push(...page.entries.map(show))
    cursor = page.cursor
    if (cursor !== undefined) await between()
  } while (cursor !== undefined)
  return found
}

interface Twins {
  readonly one: Tenant
  readonly many: Tenant
}

const order = 'oldest-first' as const
const scopes = (ref: Ref) => [{}, { type: ref.type }, ref]

async function expectAlike({ one, many }: Twins, count: number, ref: Ref, ats: { one?: string; many?: string } = {}) {
  const at = { one: ats.one, many: ats.many }
  for (const bodies of [true, false])
    for (const scope of scopes(ref)) {
      const newest = await all(99, (page) => one.history(scope, { ...page, at: at.one, bodies }))
      expect(await all(count, (page) => many.history(scope, { ...page, at: at.many, bodies }))).toEqual(newest)
      const oldest = (page: object) => many.history(scope, { order, ...page, at: at.many, bodies })
      expect(await all(count, oldest)).toEqual(newest.reverse())
    }
  // From that instant on, in pages that say so once.
  for (const scope of at.many === undefined ? [] : scopes(ref)) {
    const later = (page: { cursor?: string; count: number }) =>
      many.history(scope, page.cursor === undefined ? { ...page, order, since: at.many } : page)
    expect(await all(count, later)).toEqual(
      await all(99, (page) => one.history(scope, { ...page, order, since: at.one })),
    )
  }
  const read = async (tenant: Tenant, at: string | undefined) => {
    const found = await tenant.read(ref.type, ref.id, { at })
    return found && show(found)
  }
  expect(await read(many, at.many)).toEqual(await read(one, at.one))
  for (const type of types) {
    expect(await all(count, (page) => many.list(type, { ...page, at: at.many }))).toEqual(
      await all(99, (page) => one.list(type, { ...page, at: at.one })),
    )
    expect(await many.count(type, { at: at.many })).toBe(await one.count(type, { at: at.one }))
  }
}

test(`whatever is written and however it is paged, with seed ${seed}`, async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 1, max: 6 }),
      refs,
      fc.nat(),
      async (list, partitions, count, ref, which) => {
        const world = makeWorld()
        const { store } = await world.open()
        const twins: Twins = {
          one: await store.tenant('one', { kind: 'json' }),
          many: await store.tenant('many', { kind: 'json', partitions }),
        }
        const moments: { one: string; many: string }[] = []
        const write = async ({ type, id }: Ref, value: number | undefined) => {
          world.clock.move(1)
          const at: string[] = []
          for (const tenant of [twins.one, twins.many]) {
            const done = value === undefined ? await tenant.delete(type, id) : await tenant.update(type, id, { value })
            at.push(done.at as string)
          }
          return { one: at[0] as string, many: at[1] as string }
        }
        for (const { ref, op, value } of list)
          if (op === 'project')
            for (const name of ['one', 'many']) await store.projections.run(name, [currentIndexProjection])
          else moments.push(await write(ref, op === 'delete' ? undefined : value))
        await expectAlike(twins, count, ref)
        const moment = moments[which % Math.max(1, moments.length)]
        if (moment?.one !== undefined) await expectAlike(twins, count, ref, moment)

        // Pages and snapshots show one state, whatever is written meanwhile.
        const before = await all(99, (page) => twins.many.history({}, page))
        const listed = await all(99, (page) => twins.many.list(ref.type, page))
        const snapshot = await twins.many.snapshot()
        const between = () => write(ref, 100)
        expect(await all(count, (page) => twins.many.history({}, page), between)).toEqual(before)
        const oldest = await all(99, (page) => twins.many.history({}, { ...page, order }))
        expect(await all(count, (page) => twins.many.history({}, { ...page, order }), between)).toEqual(oldest)
        await between()
        expect(await all(count, (page) => snapshot.history({}, page))).toEqual(before)
        expect(await all(count, (page) => snapshot.list(ref.type, page))).toEqual(listed)
        const fresh = await all(99, (page) => twins.many.list(ref.type, page))
        expect(await all(count, (page) => twins.many.list(ref.type, page), between)).toEqual(fresh)

        // The logs together are as long as the one, and each resource is in one of them.
        const found: string[] = []
        for (const [partition, log] of twins.many.partitions.entries())
          for (const entry of (await log.history({}, { count: 999 })).entries) {
            expect(entry.position.partition).toBe(partition)
            expect(twins.many.partitionOf(entry.type, entry.id)).toBe(partition)
            found.push(show(entry))
          }
        const system = await all(99, (page) => twins.many.history({}, page))
        expect(found.sort()).toEqual([...system].sort())
        expect((await twins.many.head()).seq).toBe(system.length)
        const instants: string[] = []
        for await (const { at } of twins.many.commits({ bodies: false })) instants.push(at)
        expect(instants).toEqual([...instants].sort())
        expect(instants).toHaveLength(system.length)
        await store.close()
      },
    ),
    { numRuns: 100, seed, interruptAfterTimeLimit: 60_000 },
  )
}, 120_000)
