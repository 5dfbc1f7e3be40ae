/**
 * A projection worker: folds the log into a map that outlives it, saves a checkpoint now and then, and is stopped at any
 * moment. It hears of each commit at least once and in order, so its map has to become the fold of the log.
 */
import type { CommitView } from '../../src/api.js'
import { violate } from './call.js'
import type { Process } from './process.js'
import { judgeVersion } from './reads.js'
import { foldVersion, inStints, Stopped, type Subscriber, still } from './stints.js'
import type { Client } from './writes.js'

export function makeSubscriber(client: Client): Subscriber {
  const { world, random, name } = client
  const { truth } = world
  const map = new Map<string, number>()
  let finishing = false

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

  function fold({ seq, hash, transactions }: CommitView, expected: number): void {
    const commit = truth.commits[seq - 1]
    if (seq !== expected || commit?.hash !== hash) violate(`${name} was shown commit ${seq} instead of ${expected}`)
    const events = transactions.flatMap((transaction) => transaction.events)
    if (events.length !== commit.events.length) violate(`${name} was shown another commit ${seq} than the log has`)
    events.forEach((event, i) => {
      judgeVersion(event, commit.events[i], event.body !== undefined)
      foldVersion(name, map, event)
    })
    world.count('commits folded')
  }

  return {
    name,
    run: () => inStints(client, () => finishing, follow),
    finish: () => {
      finishing = true
    },
    map,
  }
}
