/** What every `Doorbell` promises: little, since a ring may be lost, repeated or out of order. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Subscription } from 'rxjs'
import type { Doorbell, Ring } from '../../../domain/ports/index.js'
import type { ContractPromise } from './promise.js'

/** Two ends of one bell: for a bell that crosses processes two of its instances, else twice the same. */
export type MakeDoorbell = () => Promise<{ readonly here: Doorbell; readonly there: Doorbell }>

/** A single ring may be lost; one of these many is not. */
const rings = 200
const pauseMs = 20

/** Rings until the listener has heard it. */
async function ringUntilHeard(bell: Doorbell, heard: () => boolean): Promise<void> {
  for (let seq = 1; seq <= rings; seq++) {
    bell.ring('t/0', seq)
    await delay(pauseMs)
    if (heard()) return
  }
  assert.fail('nobody heard the bell')
}

function listenTo(bell: Doorbell): { readonly heard: Ring[]; readonly subscription: Subscription } {
  const heard: Ring[] = []
  return { heard, subscription: bell.listen().subscribe((ring) => heard.push(ring)) }
}

export const doorbellContract: ReadonlyArray<ContractPromise<MakeDoorbell>> = [
  {
    promise: 'whoever listens, here or there, hears that someone rang, for that log or for any',
    check: async (make) => {
      const { here, there } = await make()
      const listeners = [listenTo(here), listenTo(there), listenTo(there)]
      await ringUntilHeard(here, () => listeners.every(({ heard }) => heard.length > 0))
      for (const { heard } of listeners) assert.ok(heard.every((ring) => ring.log === 't/0' || ring.log === '*'))
      for (const { subscription } of listeners) subscription.unsubscribe()
    },
  },
  {
    promise: 'ringing without a listener does no harm, and one who comes later hears later rings',
    check: async (make) => {
      const { here, there } = await make()
      here.ring('t/0', 1)
      const late = listenTo(there)
      await ringUntilHeard(here, () => late.heard.length > 0)
      late.subscription.unsubscribe()
    },
  },
  {
    promise: 'who has stopped listening hears nothing more, and others go on hearing',
    check: async (make) => {
      const { here, there } = await make()
      const [gone, stays] = [listenTo(there), listenTo(there)]
      gone.subscription.unsubscribe()
      await ringUntilHeard(here, () => stays.heard.length > 0)
      assert.equal(gone.heard.length, 0)
      stays.subscription.unsubscribe()
      const again = listenTo(there)
      await ringUntilHeard(here, () => again.heard.length > 0)
      again.subscription.unsubscribe()
    },
  },
  {
    promise: 'ringing returns at once, thousands of times',
    check: async (make) => {
      const { here, there } = await make()
      const listener = listenTo(there)
      const started = performance.now()
      for (let seq = 0; seq < 5000; seq++) here.ring('t/0', seq)
      assert.ok(performance.now() - started < 2000)
      await ringUntilHeard(here, () => listener.heard.length > 0)
      listener.subscription.unsubscribe()
    },
  },
]
