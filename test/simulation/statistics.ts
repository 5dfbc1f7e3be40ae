/** What many simulations have met, added up, and what they have to meet to be worth anything. */
import { faultKinds } from './profile.js'
import type { SimulationResult } from './simulate.js'

export type Statistics = Record<string, number>

/** A simulation in which one of these never happens proves less than it seems to. */
export const situations: ReadonlyArray<string> = [
  'races lost',
  'own commits adopted after exists',
  'commits helped',
  'commits healed on opening',
  'crashes',
  'closes',
  'outages',
  'pointer stores restored',
  'pointer stores lost',
  'recoveries',
  'requests applied late',
  'answers lost in a crash',
  'answer: written',
  'answer: replayed',
  'answer: Conflict',
  'answer: OutcomeUnknown',
  'answer: Unpublished',
  'answer: Unavailable',
  'answer: StorageRefused',
  'answer: Cancelled',
  'unchanged answers',
  'snapshots',
  'reads as of',
  'histories walked',
  'commits folded',
  'events told',
  'projections run',
  'projections built anew',
  'subscribers caught up',
  'subscribers stopped',
  ...Object.keys(faultKinds).map((kind) => `fault: ${kind}`),
]

export function addTo(total: Statistics, more: Readonly<Statistics>): void {
  for (const [name, times] of Object.entries(more)) total[name] = (total[name] ?? 0) + times
}

/** What to tell of a seed that failed: everything that is needed to see it fail again. */
export const report = ({ seed, failure }: Pick<SimulationResult, 'seed' | 'failure'>): string =>
  `seed ${seed}: ${(failure as Error).stack ?? failure}${causeOf(failure)}\n  replay it with: npm run simulate -- --seed ${seed} --trace`

const causeOf = (failure: unknown): string => {
  const { cause } = failure as Error
  return cause === undefined ? '' : `\n  because of ${(cause as Error).stack ?? cause}`
}
