/** Whatever is written meanwhile, an export is the state at its instant; and exports one after the other rebuild it, deletions included. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ExportJob } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { outcome } from '../protocol/world.js'
import { contentsOf, makePlace, sorted, stateAt, tightBounds } from './place.js'

const types = ['Basic', 'Patient', 'Observation']

type Write = { readonly type: string; readonly id: string } & (
  | { readonly op: 'update'; readonly n: number }
  | { readonly op: 'delete' }
  /** Takes back the last write of the resource, whatever came since. */
  | { readonly op: 'revert' }
)

type Step =
  | { readonly step: 'write'; readonly writes: ReadonlyArray<Write> }
  /** What is new since the last of these, and the whole; neither is waited for. */
  | { readonly step: 'export' }
  | { readonly step: 'pause'; readonly ms: number }

const write: fc.Arbitrary<Write> = fc
  .record({
    type: fc.constantFrom(...types),
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    op: fc.constantFrom('update' as const, 'update' as const, 'delete' as const, 'revert' as const),
    n: fc.nat(1_000),
  })
  .map(({ n, ...rest }) => (rest.op === 'update' ? { ...rest, op: rest.op, n } : rest) as Write)

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ step: fc.constant('write' as const), writes: fc.array(write, { minLength: 1 }) }),
    },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('export' as const) }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('pause' as const), ms: fc.nat(40_000) }) },
  ),
  { minLength: 4, maxLength: 30 },
)

const bodyOf = ({ type, id }: Write, n: number): string =>
  `{"resourceType":"${type}","id":"${id}","n":${n}.50,"text":"${'x'.repeat(n % 200)}"}`

async function apply(tenant: Tenant, last: Map<string, string>, write: Write): Promise<void> {
  const { type, id, op } = write
  const key = `${type}/${id}`
  const log = tenant.partitions[tenant.partitionOf(type, id)] as Tenant
  if (op === 'delete') await log.delete(type, id)
  else if (op === 'revert') {
    const transaction = last.get(key)
    if (transaction !== undefined) await outcome(log.revert({ transaction }, { onConflict: 'force' }))
  } else {
    const operations = [{ op: 'update', type, id, body: bodyOf(write, write.n) }] as const
    last.set(key, (await log.transact(operations)).id as string)
  }
}

async function play(tenant: Tenant, steps: ReadonlyArray<Step>, pause: (ms: number) => Promise<void>) {
  const last = new Map<string, string>()
  const whole: ExportJob[] = []
  const chained: ExportJob[] = []
  let writing: Promise<unknown> = Promise.resolve()
  for (const each of [...steps, { step: 'export' } as const])
    if (each.step === 'write') {
      // The writes of a step are under way together, and still are when an export begins.
      await writing
      writing = Promise.all(each.writes.map((one) => apply(tenant, last, one)))
    } else if (each.step === 'pause') await pause(each.ms)
    else {
      const since = (await chained.at(-1)?.status())?.transactionTime
      chained.push(await tenant.export(since === undefined ? {} : { since }))
      whole.push(await tenant.export())
    }
  await writing
  return { whole, chained }
}

describe.each([
  ['one log', 1],
  ['several logs', 4],
])('a tenant of %s', (_, partitions) => {
  test('is exported as it is at one instant, and exports chained by theirs rebuild it', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const place = makePlace()
        const tenant = await (await place.open(tightBounds)).tenant('t', { partitions })
        const { whole, chained } = await play(tenant, steps, (ms) => place.clock.sleep(ms))
        for (const job of whole) {
          const { status, resources } = await contentsOf(tenant, job)
          const expected = await stateAt(tenant, status.transactionTime)
          expect(sorted(resources)).toEqual(sorted(expected.resources))
        }
        const rebuilt = new Map<string, string>()
        for (const job of chained) {
          const { status, resources, deleted } = await contentsOf(tenant, job)
          for (const [key, text] of resources) rebuilt.set(key, text)
          for (const key of deleted) rebuilt.delete(key)
          expect(sorted(rebuilt)).toEqual(sorted((await stateAt(tenant, status.transactionTime)).resources))
        }
      }),
      { numRuns: 40 },
    )
  })
})
