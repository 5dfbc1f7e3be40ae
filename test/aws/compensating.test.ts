/** Transactions and what takes them back, on real servers: a shorter run. */
import { afterAll } from 'vitest'
import type { Store } from '../../src/index.js'
import { testCompensating } from '../properties/compensating.js'
import { makePlace } from './stores.js'
import { describeWorlds } from './worlds.js'

describeWorlds('over generated histories', (world) => {
  let opening: Promise<Store> | undefined
  let tenants = 0
  afterAll(async () => (await opening)?.close())

  testCompensating(async () => {
    opening ??= makePlace(world).then((place) => place.open())
    const store = await opening
    const tenant = await store.tenant(`t${++tenants}`, { kind: 'json' })
    return { tenant, disturb: () => undefined, end: async () => undefined }
  }, 8)
})
