/** A tenant of several logs on the real servers: written side by side, verified, and brought back without its table. */
import { expect, test } from 'vitest'
import { currentIndexProjection } from '../../src/index.js'
import { loseTable, makePlace } from './stores.js'
import { describeWorlds } from './worlds.js'

const ids = Array.from({ length: 60 }, (_, n) => `n${n}`)

describeWorlds('several logs', (world) => {
  test('are written by two stores, read as one, and rebuilt from the bucket alone', async () => {
    const place = await makePlace(world)
    const stores = [await place.open(), await place.open()]
    const tenants = await Promise.all(stores.map((store) => store.tenant('t', { kind: 'json', partitions: 4 })))
    await Promise.all(ids.map((id, n) => tenants[n % 2]?.update('Note', id, { n })))
    await Promise.all(ids.map((id, n) => tenants[(n + 1) % 2]?.update('Note', id, { n: -n }, { expect: 1 })))
    const [store, tenant] = [stores[0], tenants[0]] as [(typeof stores)[0], (typeof tenants)[0]]
    await store.projections.run('t', [currentIndexProjection])
    const seen = async () => {
      const history: string[] = []
      let cursor: string | undefined
      do {
        const page = await tenant.history({}, { count: 17, cursor })
        history.push(...page.entries.map(({ id, version, at }) => `${at} ${id} ${version}`))
        cursor = page.cursor
      } while (cursor !== undefined)
      const { entries } = await tenant.list('Note', { count: 100 })
      return { history, list: entries.map((each) => [each.id, each.text()]), count: await tenant.count('Note') }
    }
    const before = await seen()
    expect(before.history).toHaveLength(2 * ids.length)
    expect(before.history.map((line) => line.slice(0, 27))).toEqual(
      before.history
        .map((line) => line.slice(0, 27))
        .sort()
        .reverse(),
    )
    expect(before).toMatchObject({ count: ids.length, list: { length: ids.length } })
    for (const each of stores) await each.close()

    await loseTable(world, place)
    const after = await place.open()
    expect(await after.recover('t')).toMatchObject({ events: 2 * ids.length })
    expect(await after.verify('t', { deep: true })).toMatchObject({ events: 2 * ids.length, differences: 0 })
    const again = await after.tenant('t')
    const { entries } = await again.list('Note', { count: 100 })
    expect(entries.map((each) => [each.id, each.text()])).toEqual(before.list)
    await after.close()
  }, 120_000)
})
