/** `npm run torture -- --kills 200 --writers 4 --seed 1`: see torture.ts. Ends with 1 if anything was found. */
import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { tortureExports } from './exports.js'
import { startServer } from './servers.js'
import { tortureSubmissions } from './submissions.js'
import { type Summary, torture } from './torture.js'

const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least}`)
    return value
  }

const { kills, writers, seed, http, exports, submissions } = new Command('torture')
  .description('kills processes that write to one embedded store, and verifies what they leave behind')
  .option('--kills <count>', 'how many processes are killed at least', whole(1), 200)
  .option('--writers <count>', 'how many write at a time', whole(1), 4)
  .option('--seed <number>', 'decides what is written and who is killed; not when', whole(0), Date.now() % 2 ** 31)
  .option('--http', 'the processes are FHIR servers, and their clients live on')
  .option('--exports', 'the processes work on exports, while one writes')
  .option('--submissions', 'the processes work on submissions')
  .parse()
  .opts<{ kills: number; writers: number; seed: number; http?: boolean; exports?: boolean; submissions?: boolean }>()

const who = exports ? '2 exporters' : submissions ? '3 submitters' : `${writers} ${http ? 'servers' : 'writers'}`
console.log(`torture: ${kills} kills, ${who}, seed ${seed}`)
const began = performance.now()
const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`
tell(
  exports
    ? await tortureExports({ seed, kills })
    : submissions
      ? await tortureSubmissions({ seed, kills })
      : await tortureWriters(),
)

function tortureWriters(): Promise<Summary> {
  return torture({
    kills,
    writers,
    seed,
    ...(http === true ? { start: startServer } : undefined),
    onProgress: (so) => console.log(`${seconds()}: ${so.kills} kills, ${so.acknowledged} acknowledged, round verified`),
  })
}

interface Told {
  readonly problems: ReadonlyArray<string>
  readonly folder?: string
}

function tell({ problems, folder, ...counts }: Told): void {
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name.padEnd(20)} ${count}`)
  for (const problem of problems.slice(0, 20)) console.log(`PROBLEM ${problem}`)
  if (problems.length === 0) console.log(`nothing lost, doubled or different, in ${seconds()}`)
  else
    console.log(
      `${problems.length} problems; seed ${seed}; the store is kept${folder === undefined ? '' : ` in ${folder}`}`,
    )
  process.exitCode = problems.length === 0 ? 0 : 1
}
