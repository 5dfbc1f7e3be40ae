/** A log of a few events, and subscribers whose messages are told in a line each. */
import { Subject } from 'rxjs'
import type { Ring } from '../../domain/ports/index.js'
import type { Position, SubscribeOptions, SubscriptionMessage } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { quiet } from './hand-clock.js'
import { makeWorld, type SiteOptions } from './world.js'

const place = ({ seq, index }: Position): string => `${seq}-${index}`

export const say = (message: SubscriptionMessage): string => {
  if (message.kind === 'caught-up') return `caught up ${place(message.position)}`
  const { position, op, type, id, body } = message.event
  return `${place(position)} ${op} ${type}/${id}${body === undefined ? '' : ` ${message.event.text()}`}`
}

/** What is told, as it is told. Ends after `count` messages, if it does not end by itself. */
export async function listen(
  tenant: Tenant,
  options: SubscribeOptions,
  told: string[] = [],
  count = Number.POSITIVE_INFINITY,
) {
  for await (const message of tenant.subscribe(options)) {
    told.push(say(message))
    if (told.length >= count) break
  }
  return told
}

export const toHead = (tenant: Tenant, options: SubscribeOptions = {}): Promise<string[]> =>
  listen(tenant, { until: 'head', ...options })

/** Three commits of two, one and three events. */
export async function makeLog(options?: SiteOptions) {
  const world = makeWorld()
  const site = await world.enter(options)
  const { tenant } = site
  await tenant.transact([
    { op: 'create', type: 'Note', id: 'a', body: '{"n":1}' },
    { op: 'create', type: 'Task', id: 'b', body: '{"n":2}' },
  ])
  await tenant.update('Note', 'a', '{"n":3}')
  await tenant.transact([
    { op: 'create', type: 'Task', id: 'c', body: '{"n":4}' },
    { op: 'delete', type: 'Note', id: 'a' },
    { op: 'update', type: 'Task', id: 'b', body: '{"n":5}' },
  ])
  site.blobs.reset()
  site.pointers.reset()
  return { world, ...site }
}

export const all = [
  '1-0 create Note/a {"n":1}',
  '1-1 create Task/b {"n":2}',
  '2-0 update Note/a {"n":3}',
  '3-0 create Task/c {"n":4}',
  '3-1 delete Note/a',
  '3-2 update Task/b {"n":5}',
  'caught up 3-2',
]

export const at = (seq: number, index: number, partition = 0): Position => ({ partition, seq, index })

/** A subscriber that waits at the head of a log, and whom rings reach, while time stands still. */
export async function atTheHead(options: SubscribeOptions = {}, before = 0) {
  const world = makeWorld()
  const rings = new Subject<Ring>()
  const doorbell = { ring: (log: string, seq: number) => rings.next({ log, seq }), listen: () => rings }
  const site = await world.enter({ doorbell })
  for (let n = 1; n <= before; n++) await site.tenant.create('Note', `{"n":${n}}`, { id: `a${n}` })
  world.clock.byHand()
  const abort = new AbortController()
  const told: string[] = []
  const ended = listen(site.tenant, { ...options, signal: abort.signal }, told)
  await quiet()
  return { world, rings, ...site, abort, told, ended }
}
