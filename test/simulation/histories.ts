/** Clients that turn the pages of a history while others write. */
import type { HistoryOptions, ResourceVersion } from '../../src/api.js'
import { violate } from './call.js'
import { anyRef, ask, asOf, judgeVersion, type Window, within } from './reads.js'
import { keyOf } from './reference.js'
import type { TrueEvent, Truth } from './truth.js'
import type { Client } from './writes.js'

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
