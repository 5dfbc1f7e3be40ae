/**
 * Holds the log against the ledger. The log is folded by a model of its own that fits on this page: whatever stands in
 * the log must be what its request asked for, decided on the state that the log had at that place.
 */
import type { CommitView, ResourceVersion, Tenant } from '../../src/index.js'
import type { Claim, Ledger } from './ledger.js'
import { bodyOf, resourceType, type Wish, withoutStamp } from './wish.js'

export interface Judgement {
  readonly problems: ReadonlyArray<string>
  readonly commits: number
  readonly transactions: number
  /** Requests whose writer was killed between the commit and the acknowledgement. */
  readonly unheard: number
}

interface State {
  version: number
  deleted: boolean
}

type Transaction = CommitView['transactions'][number]

const maxProblems = 20

export async function judge(tenant: Tenant, ledger: Ledger): Promise<Judgement> {
  const problems = [...ledger.wrong]
  const states = new Map<string, State>()
  const seen = new Map<string, Transaction>()
  let commits = 0
  for await (const commit of tenant.commits()) {
    commits++
    for (const transaction of commit.transactions) {
      const { request: key = '' } = transaction
      const claim = ledger.claims.get(key)
      if (seen.has(key)) problems.push(`${key} was applied twice: ${seen.get(key)?.id} and ${transaction.id}`)
      seen.set(key, transaction)
      if (claim === undefined) problems.push(`nobody asked for the transaction ${transaction.id} (${key})`)
      else problems.push(...foldProblems(states, claim, transaction))
    }
    if (problems.length >= maxProblems) break
  }
  let unheard = 0
  for (const [key, claim] of ledger.claims) {
    const transaction = seen.get(key)
    if (claim.answer !== undefined) problems.push(...answerProblems(claim, transaction))
    else if (transaction !== undefined && claim.rejected >= claim.begun)
      problems.push(`${key} was rejected and stands in the log as ${transaction.id}`)
    else if (transaction !== undefined && claim.isTurnedAway === true)
      problems.push(
        `${key} was not answered by a process that was told to end, and stands in the log as ${transaction.id}`,
      )
    else if (transaction !== undefined) unheard++
  }
  problems.push(...(await readProblems(tenant, states)))
  return { problems, commits, transactions: seen.size, unheard }
}

/** Applies a transaction to the model; what does not fit is a problem. */
function foldProblems(states: Map<string, State>, { request }: Claim, { id: place, events }: Transaction): string[] {
  const problems: string[] = []
  let next = 0
  request.wishes.forEach((wish, part) => {
    const id = wish.id ?? events[next]?.id ?? ''
    const state = states.get(id) ?? { version: 0, deleted: true }
    const refusal = refusalOf(wish, state)
    if (refusal !== undefined) problems.push(`${place} (${request.key}.${part}) was accepted, though ${refusal}`)
    // Deleting what is not there writes nothing.
    if (wish.op === 'delete' && state.deleted) return
    const event = events[next++]
    const problem = eventProblem(event, wish, id, state.version + 1, bodyText(request.key, part, wish))
    if (problem !== undefined) problems.push(`${place} (${request.key}.${part}): ${problem}`)
    states.set(id, { version: state.version + 1, deleted: wish.op === 'delete' })
  })
  if (next !== events.length) problems.push(`${place} has ${events.length} events, ${request.key} makes ${next}`)
  return problems
}

function refusalOf(wish: Wish, { version, deleted }: State): string | undefined {
  if (wish.op === 'create') return deleted ? undefined : `${wish.id} existed`
  if (wish.expect === undefined || wish.expect === version) return undefined
  return `${wish.id} was at version ${version}, not ${wish.expect}`
}

const bodyText = (key: string, part: number, wish: Wish): string | undefined =>
  wish.op === 'delete' ? undefined : bodyOf(key, part, wish.size)

function eventProblem(
  event: ResourceVersion | undefined,
  wish: Wish,
  id: string,
  version: number,
  body: string | undefined,
): string | undefined {
  if (event === undefined) return 'its event is missing'
  if (event.id !== id || event.version !== version)
    return `it is ${event.id} version ${event.version}, not ${id} version ${version}`
  if (event.deleted !== (wish.op === 'delete')) return `it is a ${event.op}, not a ${wish.op}`
  if (body !== undefined && withoutStamp(event.text()) !== body) return 'its body is not the one that was sent'
  return undefined
}

/** What was acknowledged stands in the log, where and as it was acknowledged. */
function answerProblems({ request, answer }: Claim, transaction: Transaction | undefined): string[] {
  const events = transaction?.events ?? []
  if (answer?.id !== undefined && answer.id !== transaction?.id)
    return [`${request.key} was acknowledged as ${answer.id}, the log has ${transaction?.id ?? 'nothing'}`]
  return (answer?.results ?? []).flatMap(({ id, version, changed, place }) => {
    if (!changed) return []
    const event = events.find((each) => each.id === id && each.version === version)
    const where = `${event?.position.seq}-${event?.position.index}`
    // A server does not tell the place.
    return event !== undefined && (place === undefined || place === where)
      ? []
      : [`${request.key}: ${id} version ${version} was acknowledged at ${place} and is not there`]
  })
}

/** Reads agree with the fold. Ids that the store assigned have one version each; a sample of them is enough. */
async function readProblems(tenant: Tenant, states: ReadonlyMap<string, State>): Promise<string[]> {
  const problems: string[] = []
  let assigned = 0
  for (const [id, { version, deleted }] of states) {
    if (!id.startsWith('shared-') && assigned++ > 100) continue
    const current = await tenant.read(resourceType, id)
    if (current?.version === version && current.deleted === deleted) continue
    problems.push(`${id} reads as version ${current?.version}, the log says ${version}`)
  }
  return problems
}
