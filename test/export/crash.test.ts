/** An export comes to the same end, byte for byte, wherever a process dies or pauses, and whoever goes on with it. */
import { beforeAll, describe, expect, test } from 'vitest'
import { storeManifestKey } from '../../domain/keys.js'
import type { Tenant } from '../../src/store.js'
import type { Fate } from '../copy/faults.js'
import { outcome } from '../protocol/world.js'
import { contentsOf, copyOf, type Exported, makePlace, type Place, sorted, stateAt, tightBounds } from './place.js'

/** Thirty resources of two types in as many commits and more, some of them deleted and back again. */
async function write(tenant: Tenant): Promise<void> {
  for (let n = 0; n < 45; n++) {
    const [type, id] = [n % 3 === 0 ? 'Patient' : 'Basic', `r${(n * 7) % 30}`]
    if (n % 11 === 10) await tenant.delete(type, id)
    else {
      const text = 'x'.repeat((n * 13) % 300)
      const subject = `{"reference":"Patient/r${(n % 4) * 3}"}`
      await tenant.update(type, id, `{"resourceType":"${type}","n":${n}.0,"subject":${subject},"text":"${text}"}`)
    }
  }
}

async function filled(partitions: number) {
  const place = makePlace()
  const store = await place.open(tightBounds)
  await write(await store.tenant('t', { partitions }))
  return place
}

/** Counts the calls of the export, not of opening the store. */
const isOfExport = (key: string): boolean => key.includes('/bulk/') || key.includes('%exports') || key.includes('/log/')

/** At a call everything stops for ever, before or after it has happened. `died` resolves then. */
function dying(at: number, happens: boolean) {
  let calls = 0
  let isOpen = false
  let tell = (): void => undefined
  const died = new Promise<'died'>((resolve) => {
    tell = () => resolve('died')
  })
  const fate: Fate = async ({ key }, proceed) => {
    if (key === storeManifestKey || !isOpen || (calls <= at && !isOfExport(key))) return proceed()
    const call = calls++
    if (call < at) return proceed()
    if (call === at && happens) await proceed()
    tell()
    return new Promise(() => undefined)
  }
  const begin = (): void => {
    isOpen = true
  }
  return { fate, died, begin, isDead: () => calls > at }
}

async function entered(place: Place, fate?: Fate): Promise<Tenant> {
  return (await place.open(tightBounds, fate)).tenant('t')
}

describe.each([
  ['one log', 1, {}],
  ['several logs', 3, {}],
  ['what is new', 1, { since: '2026-11-22T10:15:30.000020Z' }],
  // What stood before a deletion decides, some of it older than that.
  ['what is new of patients', 1, { since: '2026-11-22T10:15:30.000020Z', level: 'patient', patients: ['r6', 'r9'] }],
] as const)('an export of %s', (_, partitions, options) => {
  let before: Place
  let whole: Exported

  beforeAll(async () => {
    before = await filled(partitions)
    let moves = 0
    const tenant = await entered(await copyOf(before), ({ method }, proceed) => {
      if (method === 'replaceIfMatch') moves++
      return proceed()
    })
    const until = (await tenant.head()).at
    whole = await contentsOf(tenant, await tenant.export({ id: 'j', ...options }))
    const expected = await stateAt(tenant, until, 'since' in options ? options.since : undefined)
    if ('level' in options) {
      expect([whole.resources.size, whole.deleted.length, expected.deleted.length]).toEqual([8, 1, 2])
    } else {
      expect(sorted(whole.resources)).toEqual(sorted(expected.resources))
      expect([...whole.deleted].sort()).toEqual(expected.deleted)
    }
    // It is taken over, has checkpoints, and ends.
    expect(moves).toBeGreaterThan('level' in options ? 3 : 5)
  })

  test.each([
    ['before', false],
    ['after', true],
  ])(
    'whose process dies %s any call is brought to the same end by another',
    async (_, happens) => {
      let step = 0
      let begun = 0
      for (let passes = false; !passes; step++) {
        const place = await copyOf(before)
        const { fate, died, isDead, begin } = dying(step, happens)
        const tenant = await entered(place, fate)
        begin()
        await Promise.race([outcome(tenant.export({ id: 'j', ...options }).then((job) => job.done())), died])
        passes = !isDead()
        const other = await entered(place)
        if ((await other.exports.status('j')) === undefined) continue
        begun++
        const found = await contentsOf(other, await other.exports.resume('j'))
        expect(found.status.state, `call ${step}`).toBe('complete')
        expect([...found.files], `call ${step}`).toEqual([...whole.files])
        const objects = [...(await place.objects('t/bulk/export/jobs/j/')).keys()]
        expect(objects.sort(), `call ${step}`).toEqual([...whole.files.keys(), 'manifest.json', 'state.json'].sort())
      }
      expect(begun).toBeGreaterThan(20)
    },
    120_000,
  )

  test('whose process pauses at any call changes nothing any more when another has ended it', async () => {
    let step = 0
    for (let passes = false; !passes; step++) {
      const place = await filled(partitions)
      let calls = 0
      let isOpen = false
      let [wake, tell] = [(): void => undefined, (): void => undefined]
      const sleep = new Promise<void>((resolve) => {
        wake = resolve
      })
      const paused = new Promise<void>((resolve) => {
        tell = resolve
      })
      const at = step
      const zombie = await entered(place, async ({ key }, proceed) => {
        if (isOpen && isOfExport(key) && calls++ >= at) {
          tell()
          await sleep
        }
        return proceed()
      })
      isOpen = true
      const running = outcome(zombie.export({ id: 'j', ...options }).then((job) => job.done()))
      await Promise.race([running, paused])
      passes = calls <= at
      const other = await entered(place)
      if ((await other.exports.status('j')) === undefined) {
        wake()
        await running
        continue
      }
      const found = await contentsOf(other, await other.exports.resume('j'))
      const objects = await place.objects('t/bulk/export/jobs/j/')
      expect([...found.files], `call ${at}`).toEqual([...whole.files])
      wake()
      expect(await running, `call ${at}`).toMatchObject({ state: 'complete' })
      expect(sorted(await place.objects('t/bulk/export/jobs/j/')), `call ${at}`).toEqual(sorted(objects))
    }
    expect(step).toBeGreaterThan(20)
  }, 120_000)
})
