/** Transactions that a function decides on the state at one head. */
import { sha256 } from '../../domain/commit.js'
import type { Premise, Transaction } from '../../domain/decide.js'
import { formatInstant } from '../../domain/instant.js'
import { refKey } from '../../domain/resource.js'
import type { Selection } from '../../domain/selection.js'
import { run } from '../../domain/task.js'
import type { Decide, DecisionState, WriteOptions } from '../api.js'
import { conditionOf, makeReads, type ReadsDeps } from '../read/reads.js'
import type { PlannedWrite } from './planned.js'
import { type PrepareDeps, prepare } from './prepare.js'

/** A function has no digest: the request key alone says which request it is. */
const digest = sha256('decide')

export const decidedWrite = (deps: PrepareDeps & ReadsDeps, decide: Decide, options: WriteOptions): PlannedWrite => ({
  name: 'the transaction',
  digest: () => digest,
  plan: () => plan(deps, decide, options),
})

async function plan(deps: PrepareDeps & ReadsDeps, decide: Decide, options: WriteOptions): Promise<Transaction> {
  const { seq, at } = await deps.reader.head()
  const reads = makeReads(deps, async () => ({ seq }), false)
  const premises = new Map<string, Premise>()
  const selections: Selection[] = []
  const state: DecisionState = {
    seq,
    at: formatInstant(at),
    read: async (type, id) => {
      const found = await run(reads.read(type, id))
      premises.set(refKey({ type, id }), { type, id, version: found?.version ?? 0 })
      return found
    },
    match: async (type, query) => {
      const found = await run(reads.match(type, query))
      selections.push({ condition: conditionOf(deps.kind, type, query), ids: found.map(({ id }) => id), seq })
      return found
    },
  }
  const operations = await decide(state)
  return { ...prepare(deps, operations, options), premises: [...premises.values()], selections }
}
