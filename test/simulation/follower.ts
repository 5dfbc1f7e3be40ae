/**
 * A subscriber of events: it waits at the head for more, begins again at its checkpoint, which may lie in the middle of a
 * commit, and is told when it has caught up.
 */
import { formatPosition, type Position, parsePosition } from '../../domain/position.js'
import { orThrow } from '../../domain/task.js'
import type { SubscriptionMessage } from '../../src/index.js'
import { violate } from './call.js'
import type { Process } from './process.js'
import { judgeVersion } from './reads.js'
import { foldVersion, inStints, Stopped, type Subscriber, still } from './stints.js'
import type { Client } from './writes.js'

export function makeFollower(client: Client): Subscriber {
  const { world, random, name } = client
  const { truth } = world
  const map = new Map<string, number>()
  let finishing = false
  let stop = (): void => undefined

  async function follow(process: Process, last: boolean): Promise<void> {
    const { tenant } = process
    const checkpoint = await still(process, tenant.checkpoint(name))
    const from = checkpoint === undefined ? 'start' : orThrow(parsePosition(checkpoint.value))
    let rev = checkpoint?.rev ?? 0
    let place = from === 'start' ? undefined : from
    const stopped = new AbortController()
    stop = () => stopped.abort()
    if (finishing && !last) stop()
    world.note(
      `  ${name} subscribes on ${process.name} from ${place === undefined ? 'the start' : formatPosition(place)}`,
    )
    const options = {
      from,
      bodies: random.chance(0.5),
      until: last ? 'head' : undefined,
      signal: stopped.signal,
    } as const
    const messages = tenant.subscribe(options)[Symbol.asyncIterator]()
    for (;;) {
      if (!last && random.chance(0.03)) {
        if (messages.return !== undefined) await still(process, messages.return())
        throw new Stopped()
      }
      const low = truth.told
      const next = await still(process, messages.next())
      if (next.done === true) return
      place = hear(next.value, place, low)
      truth.tell(place.seq)
      if (!random.chance(0.3)) continue
      if (!(await still(process, tenant.saveCheckpoint(name, formatPosition(place), rev)))) throw new Stopped()
      rev++
    }
  }

  /** Answers the place behind the message. */
  function hear(message: SubscriptionMessage, place: Position | undefined, low: number): Position {
    const due = after(place)
    if (message.kind === 'caught-up') {
      const { seq } = message.position
      if (due !== undefined && due.seq <= seq) violate(`${name} has caught up at ${seq}, and has not heard all of it`)
      if (seq < low) violate(`${name} has caught up at ${seq}, though ${low} was known`)
      world.count('subscribers caught up')
      return message.position
    }
    const { event, commit } = message
    const truly = truth.commits[event.position.seq - 1]
    if (due?.seq !== event.position.seq || due.index !== event.position.index || commit.hash !== truly?.hash)
      violate(`${name} was told ${formatPosition(event.position)} instead of ${due && formatPosition(due)}`)
    judgeVersion(event, truly.events[event.position.index], event.body !== undefined)
    foldVersion(name, map, event)
    world.count('events told')
    return event.position
  }

  /** The event that follows in the log as it truly is. */
  function after(place: Position | undefined): Position | undefined {
    const { partition, seq, index } = place ?? { partition: 0, seq: 0, index: 0 }
    const commit = truth.commits[seq - 1]
    if (commit !== undefined && index + 1 < commit.events.length) return { partition, seq, index: index + 1 }
    return seq < truth.length ? { partition, seq: seq + 1, index: 0 } : undefined
  }

  return {
    name,
    run: () => inStints(client, () => finishing, follow),
    finish: () => {
      finishing = true
      stop()
    },
    map,
  }
}
