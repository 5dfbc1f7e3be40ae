/** A process that simulates the seeds it is given, and tells what became of them. */
import { simulate } from './simulate.js'
import { addTo, report, type Statistics } from './statistics.js'

export interface Order {
  readonly from: number
  readonly count: number
}

export interface Delivery {
  readonly count: number
  readonly statistics: Statistics
  readonly failures: ReadonlyArray<{ readonly seed: number; readonly text: string }>
}

process.on('message', async ({ from, count }: Order) => {
  const statistics: Statistics = {}
  const failures: Array<{ seed: number; text: string }> = []
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulate(seed)
    addTo(statistics, result.statistics)
    if (result.failure !== undefined) failures.push({ seed, text: report(result) })
  }
  process.send?.({ count, statistics, failures } satisfies Delivery)
})
