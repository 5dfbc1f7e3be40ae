/**
 * Verification: walks the log from its first commit and holds everything against it: the chain, every body's hash, every
 * pointer in both directions, the head. It changes nothing, and goes on after a difference.
 */
import { type ChainLink, chainProblem, eventsOf, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { headPk, headSk } from '../../domain/keys.js'
import { headFromItem } from '../../domain/pointer.js'
import { run } from '../../domain/task.js'
import type { VerifyOptions, VerifyReport } from '../api.js'
import { bodiesOf, checkBodies, openForCheck } from './check-bodies.js'
import { checkExtras, checkOrder, checkPointers } from './check-pointers.js'
import { projectionChecks } from './check-projections.js'
import type { Difference, Found, VerifyDeps } from './difference.js'

/** Commits whose pointers were checked between two reports of progress. */
const reportEvery = 64

export async function verifyLog(deps: VerifyDeps, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { log, tenant, pointers } = deps
  const report = { commits: 0, events: 0, bodies: 0, items: 0, projected: 0, differences: 0 }
  const found: Found = (kind, key, problem) => {
    report.differences++
    const difference: Difference = { kind, key, problem }
    options.onDifference?.(difference)
  }
  const projections = options.deep === true ? await projectionChecks(deps, deps.lookup, found) : undefined
  const headKey = headPk(tenant, log.partition)
  const item = await run(pointers.get(headKey, headSk))
  const head = item && headFromItem(item)
  const last = Math.max(await log.findHead(0), await log.findHead(head?.seq ?? 0))
  let link: ChainLink | undefined = origin
  let end = 0

  for (let seq = 1; seq <= last; seq++) {
    if (options.signal?.aborted === true) throw annalsError('Cancelled', { what: 'verification' })
    const { opened, exists } = await openForCheck(deps, seq, found)
    if (exists) {
      // Only what is missing before a commit is a hole; what is missing at the end is a head ahead of its log.
      for (let hole = end + 1; hole < seq; hole++)
        found('commit-missing', log.key(hole), 'there is no such object, though later commits exist')
      end = seq
    }
    if (opened !== undefined) {
      const problem = link && chainProblem(link, opened.commit, log.name)
      if (problem !== undefined) found('chain-broken', log.key(seq), problem)
      report.commits++
      report.bodies += await checkBodies(deps, opened, found)
      const visible = head !== undefined && seq <= head.seq
      if (visible) {
        report.items += await checkPointers(deps, opened.commit, found)
        await checkOrder(deps, opened.commit, found)
        await projections?.commit(opened.commit, bodiesOf(deps, opened))
      }
      for (const _ of eventsOf(opened.commit)) report.events++
    }
    link = opened?.commit
    if (seq === head?.seq && opened !== undefined && opened.commit.hash !== head.hash)
      found('head-different', headKey, `its hash is not that of commit ${seq}`)
    if (seq % reportEvery === 0 || seq === last) options.onProgress?.({ done: seq, total: last, events: report.events })
  }
  if (head === undefined) found('head-missing', headKey, 'the log has no head in the pointer store')
  else {
    if (head.seq > end) found('head-ahead', headKey, `it says ${head.seq}, the log ends at ${end}`)
    if (head.seq < end) await checkBehind(deps, end, found)
    await checkExtras(deps, head.seq, report.items, found, options.signal)
    await projections?.end(end, options.signal)
  }
  return { ...report, projected: projections?.checked ?? 0 }
}

/** A head that stays behind the log; one that is just being advanced by a writer is none. */
async function checkBehind(deps: VerifyDeps, end: number, found: Found): Promise<void> {
  const pk = headPk(deps.tenant, deps.log.partition)
  const item = await run(deps.pointers.get(pk, headSk))
  const seq = item === undefined ? 0 : headFromItem(item).seq
  if (seq < end)
    found('head-behind', pk, `it says ${seq}, the log ends at ${end}; opening the tenant publishes the rest`)
}
