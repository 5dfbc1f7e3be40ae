/** Histories of a period: the versions that were current at some time of it, at every level, in pages that no write moves. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatInstant, parseCanonicalInstant } from '../../domain/instant.js'
import type { HistoryOptions, ResourceVersion, Tenant } from '../../src/index.js'
import { failure, makeWorld } from './world.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const refs = fc.record({ type: fc.constantFrom('Note', 'Memo'), id: fc.constantFrom('a', 'b', 'c', 'd') })
type Ref = { readonly type: string; readonly id: string }

const writes = fc.array(fc.record({ ref: refs, deletes: fc.boolean(), wait: fc.integer({ min: 0, max: 3 }) }), {
  minLength: 1,
  maxLength: 40,
})

const show = ({ type, id, version, op }: Pick<ResourceVersion, 'type' | 'id' | 'version' | 'op'>): string =>
  `${op} ${type}/${id}@${version}`

const micros = (at: string): number => parseCanonicalInstant(at) as number

/** By its definition: from when a version was written until the next one of its resource, and a period, overlap. */
function currentDuring(log: ReadonlyArray<ResourceVersion>, from: number, until: number): ResourceVersion[] {
  return log.filter((version) => {
    const next = log.find(
      ({ type, id, version: v }) => type === version.type && id === version.id && v === version.version + 1,
    )
    return micros(version.at) < until && (next === undefined || micros(next.at) > from)
  })
}

async function all(
  tenant: Pick<Tenant, 'history'>,
  scope: Partial<Ref>,
  options: HistoryOptions & { count: number },
  between: () => Promise<unknown>,
): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const { count, bodies } = options
    const page = await tenant.history(scope, cursor === undefined ? options : { count, bodies, cursor })
    expect(page.entries.length).toBeLessThanOrEqual(options.count)
    for (const entry of page.entries) expect(entry.body === undefined).toBe(entry.deleted || options.bodies === false)
    found.push(...page.entries.map(show))
    cursor = page.cursor
    if (cursor !== undefined) await between()
  } while (cursor !== undefined)
  return found
}

async function write(tenant: Tenant, { type, id }: Ref, deletes: boolean): Promise<unknown> {
  return deletes ? tenant.delete(type, id) : tenant.update(type, id, '{}')
}

async function everything(tenant: Tenant): Promise<ResourceVersion[]> {
  const found: ResourceVersion[] = []
  let cursor: string | undefined
  do {
    const page = await tenant.history({}, { count: 999, order: 'oldest-first', cursor })
    found.push(...page.entries)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

test(`hold what was current then, however they are paged, with seed ${seed}`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        list: writes,
        partitions: fc.constantFrom(1, 1, 3),
        count: fc.integer({ min: 1, max: 6 }),
        maxPassedOver: fc.integer({ min: 1, max: 8 }),
        maxPageBytes: fc.constantFrom(1, 6, 1_000),
        begins: fc.nat(),
        ends: fc.nat(),
        off: fc.constantFrom(-1, 0, 1),
        order: fc.constantFrom('newest-first' as const, 'oldest-first' as const),
        since: fc.option(fc.nat(), { nil: undefined }),
        bodies: fc.boolean(),
        ref: refs,
      }),
      async ({
        list,
        partitions,
        count,
        maxPassedOver,
        maxPageBytes,
        begins,
        ends,
        off,
        order,
        since,
        bodies,
        ref,
      }) => {
        const world = makeWorld()
        const { store } = await world.open({ limits: { maxPassedOver, maxPageBytes } })
        const tenant = await store.tenant('many', { kind: 'json', partitions })
        await tenant.update('Note', 'a', '{}')
        for (const { ref, deletes, wait } of list) {
          world.clock.move(wait)
          await write(tenant, ref, deletes)
        }
        const log = await everything(tenant)
        const moment = (which: number): number => micros((log[which % log.length] as ResourceVersion).at)
        const [from, last] = [moment(begins), moment(ends)].sort((a, b) => a - b) as [number, number]
        const period = { from: from + off, until: Math.max(last, from + off + 1) }
        const least = since === undefined ? undefined : formatInstant(moment(since))
        const during = { from: formatInstant(period.from), until: formatInstant(period.until) }
        const options = { count, order, bodies, during, ...(least === undefined ? undefined : { since: least }) }
        for (const scope of [{}, { type: ref.type }, ref]) {
          const isMeant = ({ type, id, at }: ResourceVersion): boolean =>
            ('type' in scope ? type === scope.type : true) &&
            ('id' in scope ? id === scope.id : true) &&
            (least === undefined || at >= least)
          const wanted = currentDuring(await everything(tenant), period.from, period.until).filter(isMeant)
          if (order === 'newest-first') wanted.reverse()
          const found = await all(tenant, scope, options, () => write(tenant, ref, false))
          expect(found).toEqual(wanted.map(show))
        }
      },
    ),
    { seed, numRuns: 150 },
  )
})

describe('a history of a period', () => {
  test('looks at no more than its limit on a page, and goes on behind it', async () => {
    const { tenant } = await makeWorld().enter({ limits: { maxPassedOver: 10 } })
    const first = await tenant.create('Note', '{}', { id: 'kept' })
    for (let n = 0; n < 35; n++) await tenant.update('Note', 'busy', '{}')
    const { at } = await tenant.head()
    const during = { from: at, until: formatInstant(micros(at) + 1) }
    const sizes: number[] = []
    let cursor: string | undefined
    do {
      const page = await tenant.history({}, cursor === undefined ? { count: 5, during } : { count: 5, cursor })
      sizes.push(page.entries.length)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(sizes).toEqual([1, 0, 0, 1])
    expect((await tenant.history({ type: 'Note', id: 'kept' }, { during })).entries[0]?.at).toBe(first.at)
  })

  test('goes on behind it in each of several logs', async () => {
    const { store } = await makeWorld().open({ limits: { maxPassedOver: 2 } })
    const tenant = await store.tenant('many', { kind: 'json', partitions: 3 })
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const id of [...ids, ...ids, ...ids, ...ids]) await tenant.update('Note', id, '{}')
    const { at } = await tenant.head()
    const during = { from: at, until: formatInstant(micros(at) + 1) }
    for (const order of ['newest-first', 'oldest-first'] as const) {
      const found = await all(tenant, {}, { count: 2, order, during }, async () => undefined)
      expect(found.sort()).toEqual(ids.map((id) => `update Note/${id}@4`))
    }
  })

  test('that is still to come is that of its first page', async () => {
    for (const partitions of [1, 3]) {
      const { store } = await makeWorld().open()
      const tenant = await store.tenant('many', { kind: 'json', partitions })
      for (const id of ['a', 'b', 'c']) await tenant.create('Note', '{}', { id })
      const during = { from: '2900-01-01', until: '2901-01-01' }
      const rewrite = () => tenant.update('Note', 'a', '{}')
      for (const scope of [{}, { type: 'Note' }])
        expect(await all(tenant, scope, { count: 1, during }, rewrite)).toHaveLength(3)
    }
  })

  test('as of an instant is both', async () => {
    const world = makeWorld()
    const { tenant } = await world.enter()
    const at: string[] = []
    for (let n = 0; n < 4; n++) at.push((await tenant.update('Note', 'a', '{}')).at as string)
    const [, second = '', third = '', fourth = ''] = at
    for (const scope of [{}, { type: 'Note' }, { type: 'Note', id: 'a' }]) {
      const versions = async (options: HistoryOptions) =>
        (await tenant.history(scope, options)).entries.map(({ version }) => version)
      expect(await versions({ during: { from: second, until: fourth } })).toEqual([3, 2])
      expect(await versions({ during: { from: second, until: '2999-01-01' }, at: third })).toEqual([3, 2])
      expect(await versions({ during: { from: second, until: third }, at: '2999-01-01' })).toEqual([2])
    }
  })

  test('that ends before it begins is refused', async () => {
    const { tenant } = await makeWorld().enter()
    for (const during of [
      { from: '2026-01-02', until: '2026-01-01' },
      { from: '2026-01-02', until: '2026-01-02' },
    ])
      expect(await failure(tenant.history({}, { during }))).toMatchObject({
        _tag: 'InvalidInput',
        data: { what: 'during' },
      })
  })
})
