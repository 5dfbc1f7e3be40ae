/** `npm run simulate`: many seeds on all cores, or one seed with its trace. */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { simulate } from './simulate.js'
import { addTo, report, type Statistics, situations } from './statistics.js'
import type { Delivery, Order } from './worker.js'

interface Options {
  readonly seeds: number
  readonly from: number
  readonly seed?: number
  readonly trace?: boolean
  readonly workers: number
}

/** Seeds that a worker is given at once: enough to be worth a message, few enough to end together. */
const seedsPerOrder = 20
/** Failures after which no more seeds are started. */
const maxFailures = 20

const command = new Command('simulate')
  .description('Simulates writers, readers and projection workers under faults, one world for each seed.')
  .option('--seeds <count>', 'how many seeds', wholeNumber, 1_000)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--seed <seed>', 'this seed alone', wholeNumber)
  .option('--trace', 'with --seed: print every step')
  .option('--workers <count>', 'processes to use', wholeNumber, availableParallelism())
  .parse()

const options = command.opts<Options>()
process.exitCode = (options.seed === undefined ? await simulateMany(options) : await simulateOne(options.seed)) ? 0 : 1

async function simulateOne(seed: number): Promise<boolean> {
  const result = await simulate(seed, { trace: options.trace === true })
  for (const line of result.trace) console.log(line)
  printStatistics(result.statistics)
  console.log(`seed ${seed}: ${result.steps} steps, hash ${result.hash}`)
  if (result.failure !== undefined) console.error(report(result))
  return result.failure === undefined
}

async function simulateMany({ seeds, from, workers }: Options): Promise<boolean> {
  const started = performance.now()
  const total: Statistics = {}
  let next = from
  let done = 0
  let failed = 0

  const order = (): Order | undefined => {
    const count = Math.min(seedsPerOrder, from + seeds - next)
    if (count <= 0 || failed >= maxFailures) return undefined
    next += count
    return { from: next - count, count }
  }

  const take = ({ count, statistics, failures }: Delivery): void => {
    done += count
    failed += failures.length
    addTo(total, statistics)
    for (const { text } of failures) console.error(`\n${text}`)
  }

  const ticker = setInterval(() => progress(done, seeds, started), process.stderr.isTTY ? 1_000 : 30_000)
  await Promise.all(Array.from({ length: Math.max(1, workers) }, () => employ(order, take)))
  clearInterval(ticker)
  progress(done, seeds, started)
  printStatistics(total)
  const missed = situations.filter((name) => total[name] === undefined)
  if (missed.length > 0) console.log(`never met: ${missed.join(', ')}`)
  console.log(`${done} seeds, ${failed} failed, ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return failed === 0
}

/** Keeps one process busy until there are no more orders. It is started with the loader of this one. */
function employ(order: () => Order | undefined, take: (delivery: Delivery) => void): Promise<void> {
  const worker = fork(new URL('./worker.ts', import.meta.url))
  return new Promise((resolve, reject) => {
    const proceed = (): void => {
      const following = order()
      if (following !== undefined) worker.send(following)
      else worker.disconnect()
    }
    worker.on('error', reject)
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
    worker.on('message', (delivery: Delivery) => {
      take(delivery)
      proceed()
    })
    proceed()
  })
}

function progress(done: number, seeds: number, started: number): void {
  const rate = done / ((performance.now() - started) / 1000)
  const left = done === 0 ? '?' : String(Math.ceil((seeds - done) / rate))
  const line = `${done} of ${seeds} seeds, ${rate.toFixed(1)} seeds/s, ${left} s left`
  process.stderr.write(process.stderr.isTTY ? `\r${line}   ` : `${line}\n`)
}

function printStatistics(statistics: Readonly<Statistics>): void {
  console.log()
  for (const name of Object.keys(statistics).sort()) console.log(`${String(statistics[name]).padStart(12)}  ${name}`)
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number is needed')
  return Number(text)
}
