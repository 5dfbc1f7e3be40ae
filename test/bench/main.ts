/** `npm run bench`: builds the library, measures it beside the raw floor and its peers, and prints a table. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { measure, missingPeers } from './measure.js'
import { scenarios } from './plan.js'
import { jsonOf, machine, tableOf } from './report.js'

const whole = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1')
  return value
}

interface Flags {
  readonly runs: number
  readonly only?: string
  readonly load: number
  readonly minutes: number
  readonly folder: string
  readonly json?: boolean
}

const flags = new Command('bench')
  .description('measures the embedded store beside the raw floor of the disk and other stores')
  .option('--runs <count>', 'runs of each, interleaved; the median counts', whole, 5)
  .option('--only <names>', 'only scenarios whose names begin so, with commas: write,read-64')
  .option('--load <count>', 'resources to load', whole, 100_000)
  .option('--minutes <count>', 'minutes of http-soak, which is run when it is named only', whole, 10)
  .option('--folder <path>', 'where to make the stores: the disk that is measured', os.tmpdir())
  .option('--json', 'every figure, as JSON')
  .parse()
  .opts<Flags>()

const note = (text: string): void => void process.stderr.write(`${text}\n`)

const root = fileURLToPath(new URL('../../', import.meta.url))
const build = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: ['ignore', 2, 2],
  },
)
if (build.status !== 0) throw new Error('the library does not compile')

const missing = missingPeers()
if (missing.size > 0)
  note(`without ${[...missing].join(', ')}: install the peers with \`npm ci --prefix test/bench/peers\``)
const names = flags.only?.split(',')
const chosen = scenarios(flags.load, flags.minutes)
  .filter(({ name, isLong }) =>
    isLong ? names?.includes(name) : (names?.some((begin) => name.startsWith(begin)) ?? true),
  )
  .map((scenario) => ({ ...scenario, subjects: scenario.subjects.filter((subject) => !missing.has(subject)) }))

const folder = fs.mkdtempSync(join(flags.folder, 'annals-bench-'))
try {
  const figures = await measure(chosen, { runs: flags.runs, folder, onStep: note })
  if (flags.json) console.log(JSON.stringify(jsonOf(figures), undefined, 2))
  else console.log(`${machine()}; median of ${flags.runs} runs (range)\n\n${tableOf(chosen, figures)}`)
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
