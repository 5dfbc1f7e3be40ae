/** Clients that read, and the judgement of what they are shown. */
import type { AnnalsError } from '../../domain/error.js'
import type { AsOf, ResourceVersion } from '../../src/api.js'
import { violate } from './call.js'
import { types } from './make-call.js'
import { gone, type Process } from './process.js'
import { keyOf } from './reference.js'
import type { TrueEvent } from './truth.js'
import type { World } from './world.js'
import type { Client } from './writes.js'

/** Reads fail when the storage does, and are simply asked again elsewhere; any other failure is a violation. */
export async function ask<A>(client: Client, what: string, read: (process: Process) => Promise<A>): Promise<A> {
  const { world, reach, random, name } = client
  for (;;) {
    const process = await reach(random)
    world.note(`  ${name} asks ${process.name} for ${what}`)
    const answer = await process.during(
      read(process).catch((error: AnnalsError) => {
        if (error._tag !== 'Unavailable' && error._tag !== 'StorageRefused') violate(`${what} failed: ${error.stack}`)
        return gone as typeof gone
      }),
    )
    if (answer !== gone) return answer as A
    world.count('reads repeated')
    await world.scheduler.pause(name, 'waits to read again', random.magnitude(0.1, 20))
  }
}

/** What a read may answer from: any head between what was told before it began and what exists when it ends. */
export interface Window {
  readonly low: number
  readonly high: number
}

/** The window counts from each try: one that failed has told nobody anything. */
export async function within<A>(
  client: Client,
  what: string,
  read: (process: Process) => Promise<A>,
): Promise<{ answer: A; window: Window }> {
  const { truth } = client.world
  let low = 0
  const answer = await ask(client, what, (process) => {
    low = truth.told
    return read(process)
  })
  return { answer, window: { low, high: truth.length } }
}

export function anyRef({ world, random }: Client): { type: string; id: string; key: string } {
  const type = random.pick(types)
  const id = random.pick(world.profile.ids)
  return { type, id, key: keyOf(type, id) }
}

export async function readCurrent(client: Client): Promise<void> {
  const { type, id, key } = anyRef(client)
  const { answer, window } = await within(client, key, ({ tenant }) => tenant.read(type, id))
  judgeRead(client.world, key, answer, window, (seq) => seq)
  if (answer !== undefined) client.board.set(key, client.world.truth.versionAt(key, answer.position.seq) as TrueEvent)
  client.world.count('reads')
}

/** One head for many reads, from whichever moment: others write, crash and publish meanwhile. */
export async function readSnapshot(client: Client): Promise<void> {
  const { world, random } = client
  const refs = Array.from({ length: random.between(2, 4) }, () => anyRef(client))
  const what = `a snapshot of ${refs.map(({ key }) => key).join(', ')}`
  const { answer, window } = await within(client, what, async ({ tenant }) => {
    const snapshot = await tenant.snapshot()
    const versions: Array<ResourceVersion | undefined> = []
    for (const { type, id } of refs) {
      if (random.chance(0.3)) await world.scheduler.pause(client.name, 'ponders', random.magnitude(0.1, 20))
      versions.push(await snapshot.read(type, id))
    }
    return { seq: snapshot.seq, versions }
  })
  const { seq, versions } = answer
  if (seq < window.low || seq > window.high) violate(`${what} is of ${seq}, not of ${window.low} to ${window.high}`)
  versions.forEach((version, i) => {
    judgeRead(world, (refs[i] as { key: string }).key, version, { low: seq, high: seq }, (pinned) => pinned)
  })
  world.truth.tell(seq)
  world.count('snapshots')
}

/** As of an instant or a position in the past, or a little in the future. */
export async function readAsOf(client: Client): Promise<void> {
  const { world, random } = client
  const { truth } = world
  const { type, id, key } = anyRef(client)
  const seq = random.between(0, Math.min(truth.length, truth.told + 1))
  const at = asOf(client, seq)
  const what = `${key} as of ${JSON.stringify(at)}`
  const { answer, window } = await within(client, what, ({ tenant }) => tenant.read(type, id, { at }))
  judgeRead(world, key, answer, window, (head) => Math.min(head, seq))
  world.count('reads as of')
}

/** An instant or a position that names the state after commit `seq`. */
export function asOf({ world, random }: Client, seq: number): AsOf {
  const commit = world.truth.commits[seq - 1]
  if (commit === undefined) return random.chance(0.5) ? '2020-01-01' : { partition: 0, seq: 0, index: 0 }
  return random.chance(0.5) ? commit.header.at : { partition: 0, seq, index: 0 }
}

export async function readHead(client: Client): Promise<void> {
  const { world } = client
  const { answer, window } = await within(client, 'the head', ({ tenant }) => tenant.head())
  const { seq, hash } = answer
  if (seq < window.low || seq > window.high) violate(`the head is ${seq}, not of ${window.low} to ${window.high}`)
  if (seq > 0 && world.truth.commits[seq - 1]?.hash !== hash) violate(`the head ${seq} has another hash`)
  world.truth.tell(seq)
}

/** One version by its number: an immutable fact once it is visible. */
export async function readVersion(client: Client): Promise<void> {
  const { world, random } = client
  const { type, id, key } = anyRef(client)
  const version = random.between(1, (world.truth.resources.get(key)?.length ?? 0) + 1)
  const what = `${key} version ${version}`
  const { answer, window } = await within(client, what, ({ tenant }) => tenant.read(type, id, { version }))
  const event = world.truth.resources.get(key)?.[version - 1]
  if (answer === undefined && event !== undefined && event.seq <= window.low) violate(`${what} is not shown`)
  if (answer !== undefined) judgeVersion(answer, event)
  if (answer !== undefined) world.truth.tell(answer.position.seq)
}

/** The answer has to be what was current under some head of the window. */
function judgeRead(
  world: World,
  key: string,
  answer: ResourceVersion | undefined,
  { low, high }: Window,
  bound: (head: number) => number,
): void {
  const { truth } = world
  const oldest = truth.versionAt(key, bound(low))?.version ?? 0
  const newest = truth.versionAt(key, bound(high))?.version ?? 0
  const shown = answer?.version ?? 0
  if (shown < oldest || shown > newest)
    violate(`${key}: version ${shown} is shown under heads ${low} to ${high}, not one of ${oldest} to ${newest}`)
  if (answer === undefined) return
  judgeVersion(answer, truth.resources.get(key)?.[shown - 1])
  truth.tell(answer.position.seq)
}

export function judgeVersion(shown: ResourceVersion, event: TrueEvent | undefined, withBody = true): void {
  const same =
    event !== undefined &&
    keyOf(shown.type, shown.id) === keyOf(event.type, event.id) &&
    shown.version === event.version &&
    shown.op === event.op &&
    shown.deleted === event.deleted &&
    shown.at === event.at &&
    shown.position.seq === event.seq &&
    shown.position.index === event.index &&
    shown.transaction === `${event.seq}-${event.transaction}` &&
    (!withBody || (shown.body === undefined ? event.body === undefined : shown.text() === event.body))
  if (!same) violate(`${JSON.stringify(shown)} is shown, the log says ${JSON.stringify(event)}`)
}
