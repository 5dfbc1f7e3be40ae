/** What may happen to a tenant, each held against the reference. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { HistoryOptions, ResourceVersion } from '../../src/api.js'
import type { Tenant } from '../../src/store.js'
import { outcome } from '../protocol/world.js'
import { historyOf, outcomeOf, type Reference, type Scope, type Version, type Write } from './reference.js'

export interface Real {
  tenant: Tenant
  /** Closes the store and opens it again. */
  reopen(): Promise<void>
  /** Closes the store, loses every pointer, recovers and opens again. */
  recover(): Promise<void>
  verify(): Promise<string[]>
  /** Lets the clock run a little, or not at all. */
  tick(ms: number): void
  /** How a body comes back: as sent, but for what the server owns. */
  served(version: Version): string
}

export type Command = fc.AsyncCommand<Reference, Real>

const command = (name: string, run: (model: Reference, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => name,
})

const show = ({ type, id, version, op, seq, index, at }: Omit<Version, 'body'>, body: string | undefined): string =>
  JSON.stringify([type, id, version, op, seq, index, at, body ?? null])

const shown = (real: Real, version: Version | undefined): string | undefined =>
  version && show(version, version.body === undefined ? undefined : real.served(version))

const asRead = (found: ResourceVersion | undefined): string | undefined =>
  found && show({ ...found, ...found.position }, found.deleted ? undefined : found.text())

async function write(model: Reference, real: Real, writes: ReadonlyArray<Write>, request?: string): Promise<void> {
  const expected = outcomeOf(model, writes)
  const operations = writes.map(({ op, type, id, body, expect }) =>
    op === 'delete'
      ? ({ op, type, id, expect } as const)
      : op === 'create'
        ? ({ op, type, id, body: body ?? '' } as const)
        : ({ op, type, id, body: body ?? '', expect } as const),
  )
  const answer = await outcome(real.tenant.transact(operations, { request }))
  if (typeof expected[0] === 'number') return expect(answer).toBe('Conflict')
  if (typeof answer === 'string') throw new Error(`the write failed: ${answer}`)
  const changed = answer.results.filter((result) => result.changed)
  const events = expected as Omit<Version, 'at'>[]
  expect(changed.map(({ id, version, op, position }) => [id, version, op, position?.seq, position?.index])).toEqual(
    events.map(({ id, version, op, seq, index }) => [id, version, op, seq, index]),
  )
  if (events.length === 0) return
  const at = answer.at as string
  expect(at > (model.log.at(-1)?.at ?? '')).toBe(true)
  for (const event of events) model.log.push({ ...event, at })
  model.seq++
  if (request === undefined) return
  expect(await real.tenant.transact(operations, { request })).toMatchObject({ replayed: true, id: answer.id })
}

const createsAreAbsent = (writes: ReadonlyArray<Write>): Write[] =>
  writes.map((each) => (each.op === 'create' ? { ...each, expect: 'absent' } : each))

async function pages(
  tenant: Pick<Tenant, 'history'>,
  scope: Scope,
  options: HistoryOptions & { count: number },
): Promise<(string | undefined)[]> {
  const { count } = options
  const found: (string | undefined)[] = []
  let cursor: string | undefined
  do {
    const page = await tenant.history(scope, cursor === undefined ? options : { count, cursor })
    expect(page.entries.length).toBeLessThanOrEqual(count)
    found.push(...page.entries.map(asRead))
    cursor = page.cursor
    expect(cursor === undefined || page.entries.length === count).toBe(true)
  } while (cursor !== undefined)
  return found
}

/** A moment of the log: after which of its versions, as an instant or as a position. */
const momentOf = (model: Reference, which: number): Version | undefined =>
  model.log.length === 0 ? undefined : model.log[which % model.log.length]

export interface Vocabulary {
  readonly types: ReadonlyArray<string>
  readonly ids: ReadonlyArray<string>
  readonly bodies: (type: string, id: string) => fc.Arbitrary<string>
}

export function commands({ types, ids, bodies }: Vocabulary): fc.Arbitrary<Command>[] {
  const refs = fc.record({ type: fc.constantFrom(...types), id: fc.constantFrom(...ids) })
  const scopes: fc.Arbitrary<Scope> = fc.oneof(fc.constant({}), fc.record({ type: fc.constantFrom(...types) }), refs)
  const counts = fc.integer({ min: 1, max: 7 })
  const orders = fc.constantFrom('newest-first' as const, 'oldest-first' as const)
  const expectations = fc.oneof(
    { weight: 4, arbitrary: fc.constant('any' as const) },
    { weight: 1, arbitrary: fc.constantFrom('exists' as const, 'absent' as const, 0, 1, 2, 3) },
  )
  const writes: fc.Arbitrary<Write> = refs.chain(({ type, id }) =>
    fc.oneof(
      fc.record({
        op: fc.constant('create' as const),
        type: fc.constant(type),
        id: fc.constant(id),
        body: bodies(type, id),
      }),
      fc.record({
        op: fc.constant('update' as const),
        type: fc.constant(type),
        id: fc.constant(id),
        body: bodies(type, id),
        expect: expectations,
      }),
      fc.record({
        op: fc.constant('delete' as const),
        type: fc.constant(type),
        id: fc.constant(id),
        expect: expectations,
      }),
    ),
  )
  const name = (value: unknown): string => JSON.stringify(value)

  return [
    ...[writes, writes, writes].map((some) =>
      some.map((each) => command(`write ${name(each)}`, (model, real) => write(model, real, createsAreAbsent([each])))),
    ),
    fc
      .tuple(fc.array(writes, { minLength: 1, maxLength: 5 }), fc.option(fc.uuid(), { nil: undefined }))
      .map(([list, request]) =>
        command(`transact ${name(list)} ${request ?? ''}`, (model, real) =>
          write(model, real, createsAreAbsent(list), request),
        ),
      ),
    refs.map((ref) =>
      command(`read ${name(ref)}`, async (model, real) => {
        const found = await real.tenant.read(ref.type, ref.id)
        expect(asRead(found)).toBe(shown(real, historyOf(model, ref)[0]))
      }),
    ),
    fc.tuple(refs, fc.integer({ min: 1, max: 5 })).map(([ref, version]) =>
      command(`version ${version} of ${name(ref)}`, async (model, real) => {
        const found = await real.tenant.read(ref.type, ref.id, { version })
        expect(asRead(found)).toBe(shown(real, historyOf(model, ref, (each) => each.version === version)[0]))
      }),
    ),
    fc.tuple(refs, fc.nat(), fc.boolean()).map(([ref, which, byInstant]) =>
      command(`as of ${which} ${byInstant ? 'instant' : 'position'} ${name(ref)}`, async (model, real) => {
        const moment = momentOf(model, which)
        if (moment === undefined) return
        const at = byInstant ? moment.at : { partition: 0, seq: moment.seq, index: moment.index }
        const found = await real.tenant.read(ref.type, ref.id, { at })
        expect(asRead(found)).toBe(shown(real, historyOf(model, ref, ({ seq }) => seq <= moment.seq)[0]))
      }),
    ),
    fc
      .record({
        ...{ scope: scopes, count: counts, order: orders, byInstant: fc.boolean() },
        ...{ until: fc.option(fc.nat(), { nil: undefined }), from: fc.option(fc.nat(), { nil: undefined }) },
      })
      .map(({ scope, count, order, byInstant, until, from }) =>
        command(`history ${name(scope)} ${order} by ${count}, ${from} to ${until}`, async (model, real) => {
          const [first, last] = [from, until].map((which) => (which === undefined ? undefined : momentOf(model, which)))
          const since = first?.at
          const at = last && (byInstant ? last.at : { partition: 0, seq: last.seq, index: last.index })
          const isWithin = (each: Version): boolean =>
            (since === undefined || each.at >= since) && (last === undefined || each.seq <= last.seq)
          const expected = historyOf(model, scope, isWithin, order).map((each) => shown(real, each))
          expect(await pages(real.tenant, scope, { count, order, since, at })).toEqual(expected)
        }),
      ),
    fc.tuple(writes, scopes, counts, orders).map(([later, scope, count, order]) =>
      command(`snapshot of ${name(scope)} ${order} before ${name(later)}`, async (model, real) => {
        const snapshot = await real.tenant.snapshot()
        const before = historyOf(model, scope, undefined, order).map((each) => shown(real, each))
        await write(model, real, createsAreAbsent([later]))
        expect(await pages(snapshot, scope, { count, order })).toEqual(before)
        const last = historyOf(model, later, ({ seq }) => seq <= snapshot.seq)[0]
        expect(asRead(await snapshot.read(later.type, later.id))).toBe(shown(real, last))
      }),
    ),
    fc.tuple(scopes, counts, writes, orders).map(([scope, count, later, order]) =>
      command(`page through ${name(scope)} ${order} by ${count} while writing`, async (model, real) => {
        const expected = historyOf(model, scope, undefined, order).map((each) => shown(real, each))
        const first = await real.tenant.history(scope, { count, order })
        await write(model, real, createsAreAbsent([later]))
        const { cursor } = first
        const second = cursor === undefined ? undefined : await real.tenant.history(scope, { count, cursor })
        const seen = [...first.entries, ...(second?.entries ?? [])].map(asRead)
        expect(seen).toEqual(expected.slice(0, seen.length))
        expect(seen.length).toBe(Math.min(expected.length, 2 * count))
      }),
    ),
    fc.constant(
      command('walk the commits', async (model, real) => {
        const found: (string | undefined)[] = []
        for await (const commit of real.tenant.commits())
          for (const { events } of commit.transactions) found.push(...events.map(asRead))
        expect(found).toEqual(model.log.map((each) => shown(real, each)))
        expect((await real.tenant.head()).seq).toBe(model.seq)
      }),
    ),
    fc.nat({ max: 3 }).map((ms) => command(`wait ${ms} ms`, async (_, real) => real.tick(ms))),
    fc.constant(command('reopen', (_, real) => real.reopen())),
    fc.constant(command('recover', (_, real) => real.recover())),
    fc.constant(command('verify', async (_, real) => expect(await real.verify()).toEqual([]))),
  ]
}
