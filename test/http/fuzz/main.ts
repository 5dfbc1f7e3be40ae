/** `npm run fuzz -- --requests 100000 --seed 1`: see fuzz.ts. Ends with 1 if anything was found. */
import process from 'node:process'
import { Command, InvalidArgumentError } from 'commander'
import { fuzz } from './fuzz.js'
import type { Summary } from './run.js'

const whole = (text: string): number => {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('a whole number')
  return Number(text)
}

const { requests, seed } = new Command('fuzz')
  .description('sends generated requests to a FHIR server of several tenants, and checks every answer and the store')
  .option('--requests <count>', 'how many', whole, 100_000)
  .option('--seed <number>', 'decides what is sent', whole, Date.now() % 2 ** 31)
  .parse()
  .opts<{ requests: number; seed: number }>()

console.log(`fuzz: ${requests} requests, seed ${seed}`)
const began = performance.now()
const rate = ({ requests: done }: Summary): string => `${Math.round(done / ((performance.now() - began) / 1000))}/s`
const summary = await fuzz({ requests, seed, onProgress: (so) => console.log(`${so.requests} requests, ${rate(so)}`) })
const { statuses, kinds, credentials, answers, problems } = summary
type Counts = ReadonlyMap<string | number, number>
const print = (title: string, counts: Counts, more: (key: string | number) => string = () => ''): void => {
  console.log(title)
  for (const [key, count] of [...counts].sort()) console.log(`${count}`.padStart(8), ` ${key}${more(key)}`)
}
const answersOf = (kind: string | number): string =>
  `: ${[...(answers.get(`${kind}`) ?? [])]
    .sort()
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ')}`
print('requests and their answers', kinds, answersOf)
print('with tokens, where they are asked for', credentials)
print('answers', statuses)
for (const problem of problems) console.log(`PROBLEM ${problem}`)
console.log(`${summary.requests} requests, ${rate(summary)}, ${problems.length} problems; seed ${seed}`)
process.exitCode = problems.length === 0 ? 0 : 1
