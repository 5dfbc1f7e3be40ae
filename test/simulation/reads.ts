/** Clients that read, and the judgement of what they are shown. */
import type { AnnalsError } from '../../domain/error.js'
import type { AsOf, HistoryOptions, ResourceVersion } from '../../src/api.js'
import { violate } from './call.js'
import { types } from './make-call.js'
import { gone, type Process } from './process.js'
import { keyOf } from './reference.js'
import type { TrueEvent, Truth } from './truth.js'
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
interface Window {
  readonly low: number
  readonly high: number
}

/** The window counts from each try: one that failed has told nobody anything. */
async function within<A>(
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

function anyRef({ world, random }: Client): { type: string; id: string; key: string } {
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

/** Pages of a history, each from any process, while others write: together one history as of one head. */
export async function walkHistory(client: Client): Promise<void> {
  const { world, random } = client
  const { type, id } = anyRef(client)
  const scope = random.pick([{}, { type }, { type, id }])
  const until = random.chance(0.25) ? random.between(0, world.truth.told) : undefined
  const since = random.chance(0.25) ? random.between(1, world.truth.told) : 1
  const bodies = random.chance(0.5)
  const options: HistoryOptions = {
    count: random.between(1, 5),
    bodies,
    ...(until === undefined ? undefined : { at: asOf(client, until) }),
    ...(since === 1 ? undefined : { since: world.truth.commits[since - 1]?.header.at ?? '2020-01-01' }),
  }
  const what = `the history of ${JSON.stringify(scope)} ${JSON.stringify(options)}`
  const first = await within(client, what, ({ tenant }) => tenant.history(scope, options))
  const shown = [...first.answer.entries]
  const pages = random.pick([2, 100])
  let { cursor } = first.answer
  for (let page = 1; cursor !== undefined && page < pages; page++) {
    if (random.chance(0.5)) await world.scheduler.pause(client.name, 'turns the page', random.magnitude(0.1, 50))
    const from = cursor
    const next = await ask(client, `${what} from ${from}`, ({ tenant }) =>
      tenant.history(scope, { count: random.between(1, 5), bodies, cursor: from }),
    )
    shown.push(...next.entries)
    cursor = next.cursor
  }
  judgeHistory(world.truth, what, shown, cursor === undefined, first.window, (event, head) => {
    if (event.seq > Math.min(head, until ?? head) || event.seq < since) return false
    return ('type' in scope ? event.type === type : true) && ('id' in scope ? event.id === id : true)
  })
  shown.forEach((entry) => {
    const event = world.truth.resources.get(keyOf(entry.type, entry.id))?.[entry.version - 1]
    judgeVersion(entry, event, bodies)
  })
  for (const { position } of shown) world.truth.tell(position.seq)
  world.count('histories walked')
}

function judgeHistory(
  truth: Truth,
  what: string,
  shown: ReadonlyArray<ResourceVersion>,
  whole: boolean,
  { low, high }: Window,
  belongs: (event: TrueEvent, head: number) => boolean,
): void {
  for (let head = low; head <= high; head++) {
    const expected = truth.commits
      .flatMap(({ events }) => events)
      .filter((event) => belongs(event, head))
      .reverse()
    const same = shown.every(
      ({ position: { seq, index } }, i) => expected[i]?.seq === seq && expected[i]?.index === index,
    )
    if (same && (!whole || shown.length === expected.length)) return
  }
  violate(
    `${what}: ${shown.map(({ position: { seq, index } }) => `${seq}-${index}`).join(' ')} is the history of no head from ${low} to ${high}`,
  )
}
