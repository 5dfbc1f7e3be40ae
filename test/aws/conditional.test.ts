/** Conditional creates that race on real servers. */
import { test } from 'vitest'
import { expectOneCreated } from '../store/conditional.js'
import { makePlace } from './stores.js'
import { describeWorlds } from './worlds.js'

describeWorlds('conditional creates', (world) => {
  test('64 at once from 4 processes make one resource', async () => {
    const place = await makePlace(world)
    const store = await place.open()
    try {
      await expectOneCreated(place.url, store)
    } finally {
      await store.close()
    }
  })
})
