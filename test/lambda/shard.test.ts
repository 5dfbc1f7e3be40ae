/** Whatever records come, in which order and how often, and whatever fails meanwhile: the projection is a clean fold. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineProjection } from '../../src/index.js'
import { projectionHandler } from '../../src/lambda/index.js'
import type { Store, Tenant } from '../../src/store.js'
import { line } from '../projections/diary.js'
import { eventsOf, history, write } from '../projections/histories.js'
import { makeWorld } from '../protocol/world.js'
import { context, eventOf, headRecord, otherRecords, type StreamRecord } from './events.js'

const names = ['t', 'u/v', 'w%2F'] as const
const site = () => makeWorld().open()
type Script = Awaited<ReturnType<typeof site>>['pointers']

/** What each tenant's projection holds: the last that was told of each event. */
function ledger() {
  const told = new Map<string, Map<string, string>>(names.map((name) => [name, new Map()]))
  const projection = defineProjection({
    name: 'ledger',
    version: 1,
    apply: async ({ events }, { tenant }) => {
      for (const event of events) told.get(tenant)?.set(`${event.position.seq}-${event.position.index}`, line(event))
    },
  })
  return { told: (tenant: string) => [...(told.get(tenant)?.values() ?? [])], projection }
}

async function openAll(store: Store): Promise<Map<string, Tenant>> {
  const tenants = new Map<string, Tenant>()
  for (const name of names) tenants.set(name, await store.tenant(name, { kind: 'json' }))
  return tenants
}

const recordsOf = async (tenants: ReadonlyMap<string, Tenant>): Promise<StreamRecord[]> => {
  const records: StreamRecord[] = []
  const heads = new Map<string, number>()
  for (const [name, tenant] of tenants) heads.set(name, (await tenant.head()).seq)
  for (let seq = 0; seq <= Math.max(...heads.values()); seq++)
    for (const [name, head] of heads)
      if (seq <= head)
        records.push(...otherRecords(name, records.length * 7), headRecord(name, seq, records.length * 7 + 3))
  return records
}

/** The n-th read of a projection's place or of a head, from now on, fails. */
const failSometimes = (pointers: Script, faults: ReadonlyArray<boolean>): void => {
  let n = 0
  pointers.heal()
  for (const method of ['get', 'compareAndSet'])
    pointers.on(method, /^[CH]#/).failWhen(() => faults[n++ % Math.max(1, faults.length)] === true)
}

async function expectFolds(tenants: ReadonlyMap<string, Tenant>, told: (tenant: string) => string[]): Promise<void> {
  for (const [name, tenant] of tenants) expect(told(name)).toEqual(await eventsOf(tenant))
}

test('once an invocation has seen the last head of each log, the projection is a clean fold, whatever came before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...names), history(3)), { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.array(fc.nat(), { maxLength: 12 }), fc.array(fc.boolean(), { maxLength: 9 })), {
        maxLength: 5,
      }),
      async (writes, batches) => {
        const { store, pointers } = await site()
        const tenants = await openAll(store)
        const { told, projection } = ledger()
        const handler = projectionHandler({
          store: async () => store,
          projections: [projection],
          onFailure: () => undefined,
        })
        for (const [i, [name, transactions]] of writes.entries()) {
          await write(tenants.get(name) as Tenant, transactions)
          const records = await recordsOf(tenants)
          const [picks = [], faults = []] = batches[i] ?? []
          failSometimes(pointers, faults)
          await handler(eventOf(...picks.map((n) => records[n % records.length] as StreamRecord)), context())
          pointers.heal()
        }
        const lasts = [...tenants].map(async ([name, tenant], n) => headRecord(name, (await tenant.head()).seq, n))
        expect(await handler(eventOf(...(await Promise.all(lasts))), context())).toEqual({ batchItemFailures: [] })
        await expectFolds(tenants, told)
      },
    ),
    { numRuns: 60 },
  )
})

test('a shard that is consumed as Lambda does it, with retries from what comes back, leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(history(3), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.array(fc.boolean(), { maxLength: 9 }), { maxLength: 12 }),
      async (histories, batchSize, faults) => {
        const { store, pointers } = await site()
        const tenants = await openAll(store)
        for (const [i, transactions] of histories.entries())
          await write(tenants.get(names[i] as string) as Tenant, transactions)
        const records = await recordsOf(tenants)
        const { told, projection } = ledger()
        const handler = projectionHandler({
          store: async () => store,
          projections: [projection],
          onFailure: () => undefined,
        })
        let attempts = 0
        for (let at = 0; at < records.length; ) {
          const batch = records.slice(at, at + batchSize)
          failSometimes(pointers, faults[attempts++] ?? [])
          const { batchItemFailures } = await handler(eventOf(...batch), context())
          expect(batchItemFailures.length).toBeLessThanOrEqual(1)
          const back = batch.findIndex(
            ({ dynamodb }) => dynamodb.SequenceNumber === batchItemFailures[0]?.itemIdentifier,
          )
          expect(back >= 0).toBe(batchItemFailures.length > 0)
          at += back < 0 ? batch.length : back
        }
        pointers.heal()
        await expectFolds(tenants, told)
      },
    ),
    { numRuns: 60 },
  )
})
