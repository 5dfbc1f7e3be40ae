/**
 * A projection worker: folds the log into a map that outlives it, saves a checkpoint now and then, and is stopped at any
 * moment. It hears of each commit at least once and in order, so its map has to become the fold of the log.
 */
import type { AnnalsError } from '../../domain/error.js'
import type { CommitView } from '../../src/api.js'
import { violate } from './call.js'
import { gone, type Process } from './process.js'
import { judgeVersion } from './reads.js'
import { keyOf } from './reference.js'
import type { Client } from './writes.js'

export interface Subscriber {
  readonly name: string
  /** Works until told to stop. */
  run(): Promise<void>
  /** Lets it catch up with the head and end. */
  finish(): void
  readonly map: ReadonlyMap<string, number>
}

/** What a stop, a crash or trouble with the storage leaves to do: start again from the checkpoint. */
class Stopped extends Error {}

export function makeSubscriber(client: Client): Subscriber {
  const { world, reach, random, name } = client
  const { truth } = world
  const map = new Map<string, number>()
  let finishing = false

  async function run(): Promise<void> {
    for (;;) {
      const last = finishing
      const process = await reach(random)
      try {
        await follow(process, last)
        if (last) return
      } catch (error) {
        const tag = (error as AnnalsError)._tag
        const excused = error instanceof Stopped || tag === 'Unavailable' || tag === 'StorageRefused'
        if (!excused) throw error
        world.count('subscribers stopped')
      }
      await world.scheduler.pause(name, 'waits for commits', random.magnitude(1, 100))
    }
  }

  async function follow(process: Process, last: boolean): Promise<void> {
    const { tenant } = process
    const checkpoint = await still(process, tenant.checkpoint(name))
    const start = checkpoint === undefined ? 0 : Number(checkpoint.value)
    let rev = checkpoint?.rev ?? 0
    let seq = start
    const from = start > 0 && random.chance(0.5) ? { partition: 0, seq: start, index: 0 } : start + 1
    const low = truth.told
    world.note(`  ${name} follows the log on ${process.name} from ${start + 1}`)
    const commits = tenant.commits({ from, bodies: random.chance(0.5) })[Symbol.asyncIterator]()
    for (;;) {
      if (!last && random.chance(0.03)) throw new Stopped()
      const next = await still(process, commits.next())
      if (next.done === true) break
      seq++
      fold(next.value, seq)
      truth.tell(seq)
      if (!random.chance(0.3)) continue
      if (!(await still(process, tenant.saveCheckpoint(name, String(seq), rev)))) throw new Stopped()
      rev++
    }
    if (seq < low) violate(`${name} came to the end of the log at ${seq}, though ${low} was known`)
  }

  async function still<A>(process: Process, promise: Promise<A>): Promise<A> {
    const answer = await process.during(promise)
    if (answer === gone) throw new Stopped()
    return answer
  }

  function fold({ seq, hash, transactions }: CommitView, expected: number): void {
    const commit = truth.commits[seq - 1]
    if (seq !== expected || commit?.hash !== hash) violate(`${name} was shown commit ${seq} instead of ${expected}`)
    const events = transactions.flatMap((transaction) => transaction.events)
    if (events.length !== commit.events.length) violate(`${name} was shown another commit ${seq} than the log has`)
    events.forEach((event, i) => {
      judgeVersion(event, commit.events[i], event.body !== undefined)
      const key = keyOf(event.type, event.id)
      const before = map.get(key) ?? 0
      if (event.version > before + 1) violate(`${name} missed a version of ${key} before ${event.version}`)
      map.set(key, Math.max(before, event.version))
    })
    world.count('commits folded')
  }

  return {
    name,
    run,
    finish: () => {
      finishing = true
    },
    map,
  }
}
