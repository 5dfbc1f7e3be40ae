/** A tale of writes and subscribers, as fast-check tells it, and what became of it. */
import fc from 'fast-check'
import type { Op, OperationInput, Position, ResourceVersion, SubscribeOptions } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { quiet } from '../protocol/hand-clock.js'
import { fates, poorBell } from '../protocol/poor-bell.js'
import { makeWorld } from '../protocol/world.js'
import { makeRandom } from '../simulation/random.js'

/** Transactions that are asked for at once: group commit makes one or more commits of them. */
interface Writes {
  readonly kind: 'writes'
  readonly site: number
  readonly transactions: ReadonlyArray<ReadonlyArray<OperationInput>>
  /** Turns of the event loop until the next step. */
  readonly turns: number
}

export interface Asked {
  readonly kind: 'subscribe'
  readonly site: number
  /** `now`, or a share of the events that are there, in percent. */
  readonly from: 'now' | number
  readonly options: Pick<SubscribeOptions, 'types' | 'operations' | 'bodies'>
  /** Turns of the event loop that it takes over each message, again and again. */
  readonly pace: ReadonlyArray<number>
  /** Messages after which it leaves, to begin again where it was: again and again, if there are any. */
  readonly stints: ReadonlyArray<number>
}

export interface Tale {
  readonly steps: ReadonlyArray<Writes | Asked>
  readonly fate: number
  readonly seed: number
  readonly limits: { readonly maxInlineBytes: number; readonly maxCommitEvents: number }
}

const operation: fc.Arbitrary<OperationInput> = fc.record({
  op: fc.constantFrom('update' as const, 'update' as const, 'delete' as const),
  type: fc.constantFrom('Note', 'Task', 'List'),
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  body: fc.nat(9_999).map((n) => `{"n":${n}}`),
})

const writes: fc.Arbitrary<Writes> = fc.record({
  kind: fc.constant('writes'),
  site: fc.nat(1),
  transactions: fc.array(fc.array(operation, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
  turns: fc.nat(15),
})

const filter = {
  types: fc.subarray(['Note', 'Task', 'List'], { minLength: 1 }),
  operations: fc.subarray<Op>(['create', 'update', 'delete'], { minLength: 1 }),
  bodies: fc.boolean(),
}

const asked: fc.Arbitrary<Asked> = fc.record({
  kind: fc.constant('subscribe'),
  site: fc.nat(1),
  from: fc.oneof({ weight: 1, arbitrary: fc.constant('now' as const) }, { weight: 4, arbitrary: fc.nat(100) }),
  options: fc.record(filter, { requiredKeys: [] }),
  pace: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
  stints: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
})

export const tales: fc.Arbitrary<Tale> = fc.record({
  steps: fc.array(fc.oneof({ weight: 3, arbitrary: writes }, { weight: 1, arbitrary: asked }), {
    minLength: 4,
    maxLength: 25,
  }),
  fate: fc.nat(fates.length - 1),
  seed: fc.nat(),
  limits: fc.record({ maxInlineBytes: fc.constantFrom(5, 1_000), maxCommitEvents: fc.constantFrom(2, 100) }),
})

/** One event as it was told, or is in the log. */
export interface Told {
  readonly position: Position
  readonly type: string
  readonly op: Op
  readonly line: string
}

/** What a subscriber noticed. */
export interface Heard {
  readonly asked: Asked
  readonly events: Told[]
  /** Where it began, if it did not begin now. */
  readonly from?: Position
  /** Commits that every reader could see when it began. */
  readonly visible: number
  readonly caughtUp: Array<{
    readonly position: Position
    readonly events: number
    /** Commits that every reader could see when it asked for this message. */
    readonly visible: number
    /** A new iteration: it may catch up where the one before did. */
    readonly isFirst: boolean
  }>
}

export interface Outcome {
  readonly log: ReadonlyArray<Told>
  readonly heard: ReadonlyArray<Heard>
}

export async function play({ steps, fate, seed, limits }: Tale): Promise<Outcome> {
  const world = makeWorld()
  const doorbell = poorBell((fates[fate] as (typeof fates)[0])[1], makeRandom(seed).next)
  const sites = [await world.enter({ doorbell, limits }), await world.enter({ doorbell, limits })].map((s) => s.tenant)
  const site = (index: number): Tenant => sites[index] as Tenant
  const pending: Promise<unknown>[] = []
  const heard: Heard[] = []
  const ends: Promise<void>[] = []
  const aborts: AbortController[] = []
  let visible = 0
  for (const step of steps) {
    if (step.kind === 'writes') {
      for (const transaction of step.transactions)
        pending.push(
          site(step.site)
            .transact(transaction)
            .then(({ results }) => {
              for (const { position } of results) visible = Math.max(visible, position?.seq ?? 0)
            }),
        )
      await turn(step.turns)
      continue
    }
    const events = await logOf(site(0))
    const from =
      step.from === 'now' ? undefined : (events[Math.floor((step.from / 100) * events.length) - 1]?.position ?? zero)
    const mine: Heard = { asked: step, events: [], from, visible, caughtUp: [] }
    const abort = new AbortController()
    aborts.push(abort)
    heard.push(mine)
    ends.push(subscribe(site(step.site), mine, () => visible, abort.signal))
  }
  await Promise.all(pending)
  const { seq } = await site(0).head()
  for (let turns = 0; heard.some(({ caughtUp }) => (caughtUp.at(-1)?.position.seq ?? -1) < seq); turns++) {
    if (turns > 2_000) throw new Error('somebody has not caught up')
    await quiet()
  }
  for (const abort of aborts) abort.abort()
  await Promise.all(ends)
  return { log: await logOf(site(0)), heard }
}

async function turn(times: number): Promise<void> {
  for (let n = 0; n < times; n++) await new Promise(setImmediate)
}

const zero: Position = { partition: 0, seq: 0, index: 0 }

/** Hears until the signal aborts, in stints. */
async function subscribe(tenant: Tenant, heard: Heard, visible: () => number, signal: AbortSignal): Promise<void> {
  const { options, pace, stints } = heard.asked
  let from: SubscribeOptions['from'] = heard.from ?? 'now'
  let turns = 0
  for (const stint of [...stints, Number.POSITIVE_INFINITY]) {
    let count = 0
    let seen = visible()
    for await (const message of tenant.subscribe({ ...options, from, signal })) {
      const isFirst = count++ === 0
      if (message.kind === 'caught-up') {
        from = message.position
        heard.caughtUp.push({ position: from, events: heard.events.length, visible: seen, isFirst })
      } else {
        from = message.event.position
        heard.events.push(toldOf(message.event))
      }
      await turn(pace[turns++ % pace.length] ?? 0)
      if (count >= stint) break
      seen = visible()
    }
  }
}

function toldOf({ position, type, id, version, op, body, text }: ResourceVersion): Told {
  return { position, type, op, line: `${type}/${id}@${version} ${op}${body === undefined ? '' : ` ${text()}`}` }
}

async function logOf(tenant: Tenant): Promise<Told[]> {
  const events: Told[] = []
  for await (const commit of tenant.commits())
    for (const transaction of commit.transactions) events.push(...transaction.events.map(toldOf))
  return events
}
