/** `$revert` and `$restore`: what was written is taken back by writing what was there before; a dry run says what would be. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { readRestorePoint } from '../../../domain/as-of.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { outcomeOf } from '../../../domain/fhir/outcome.js'
import { parseInstant } from '../../../domain/instant.js'
import { parseTransactionId } from '../../../domain/transaction-id.js'
import type {
  Compensation,
  OnConflict,
  RestorePoint,
  RestoreScope,
  RevertPlan,
  RevertTarget,
  TransactionResult,
} from '../../index.js'
import { checkAccess } from '../access/caller.js'
import { auditOf, type Context, tenantOf, typeOf } from '../context.js'
import { HttpProblem, located, sendConflicts } from '../failures.js'
import { checkAccept, sendJson } from '../formats.js'
import { inHeader, type Place } from '../places.js'
import { restore as restoring, revert as reverting } from './definitions.js'
import { type Input, inputOf } from './input.js'
import { type Out, parametersJson } from './output.js'

export function addTakingBack(app: FastifyInstance, context: Context): void {
  app.post('/$revert', (request, reply) => revert(context, request, reply))
  for (const url of ['/$restore', '/:type/$restore', '/:type/:id/$restore'])
    app.post(url, (request, reply) => restore(context, request, reply))
}

async function revert(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  checkAccept(request)
  checkMayAll(request, '*')
  const input = inputOf(request, reverting)
  const target = targetOf(input)
  const onConflict = input.text('onConflict') as OnConflict | undefined
  const tenant = await tenantOf(context, request)
  return input.flag('dryRun') === true
    ? answer(request, reply, input, tenant.fp.planRevert(target, { onConflict }), planned)
    : answer(request, reply, input, tenant.fp.revert(target, { ...auditIn(request, input), onConflict }), written)
}

async function restore(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  checkAccept(request)
  const { id } = request.params as { id?: string }
  const type = 'type' in (request.params as object) ? typeOf(request) : undefined
  checkMayAll(request, type ?? '*')
  const input = inputOf(request, restoring)
  const to = pointIn(input, id !== undefined)
  const scope: RestoreScope = { ...(type === undefined ? {} : { type }), ...(id === undefined ? {} : { id }) }
  const tenant = await tenantOf(context, request)
  if (type !== undefined && id !== undefined && (await tenant.versions(type, id, { count: 1 })).entries.length === 0)
    throw new HttpProblem(404, 'not-found', `there is no ${type}/${id}`)
  return input.flag('dryRun') === true
    ? answer(request, reply, input, tenant.fp.planRestore(scope, to), planned)
    : answer(request, reply, input, tenant.fp.restore(scope, to, auditIn(request, input)), written)
}

/** It depends on what is there whether a resource is created, updated or deleted: whoever takes back has to be allowed all of it. */
function checkMayAll(request: FastifyRequest, type: string): void {
  for (const permission of ['c', 'u', 'd'] as const) checkAccess(request, permission, type)
}

function targetOf(input: Input): RevertTarget {
  const transactions = input.texts('transaction')
  const [request, correlation, from, to] = [
    input.text('request'),
    input.text('correlation'),
    input.count('from'),
    input.count('to'),
  ]
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  const isRange = from !== undefined || to !== undefined
  const ways = [transactions.length > 0, request !== undefined, correlation !== undefined || isRange]
  if (ways.filter((is) => is).length > 1)
    throw input.problem(
      'transaction',
      'say transactions, a request, or a correlation or commits, and not both',
      'invalid',
    )
  for (const each of transactions)
    if (parseTransactionId(each)._tag === 'Left')
      throw input.problem('transaction', 'it is written {commit}-{index}, such as 12-0')
  const [transaction] = transactions
  if (transaction !== undefined) return transactions.length === 1 ? { transaction } : { transactions }
  if (request !== undefined) return { request }
  if (correlation !== undefined) return { correlation, ...range }
  if (from !== undefined) return { from, ...range }
  throw input.problem(
    'transaction',
    'say what is taken back: a transaction, a request, a correlation, or from which commit on',
    'required',
  )
}

function pointIn(input: Input, isResource: boolean): RestorePoint {
  const point = readRestorePoint(input.text('to') ?? '')
  const isPoint = typeof point === 'string' ? parseInstant(point)._tag === 'Right' : isResource || !('version' in point)
  if (isPoint) return point
  throw input.problem(
    'to',
    'it is an instant such as 2026-11-22T10:15:00Z, a position such as 0-12-0, or for a resource a version such as 3',
  )
}

function auditIn(request: FastifyRequest, input: Input) {
  const reason = input.text('reason')
  // Passed over, it would be missed by whoever relies on it.
  if (request.headers['x-provenance'] !== undefined)
    throw new HttpProblem(
      400,
      'not-supported',
      'X-Provenance comes with writes of resources',
      {},
      inHeader('X-Provenance'),
    )
  return { ...auditOf(request), ...(reason === undefined ? undefined : { reason }) }
}

async function answer<A>(
  request: FastifyRequest,
  reply: FastifyReply,
  input: Input,
  task: TaskEither<AnnalsError, A>,
  show: (answer: A, place: Place) => ReadonlyArray<Out>,
): Promise<FastifyReply> {
  const done = await task()
  // What names that which is taken back.
  const place = input.place('transaction', 'request', 'correlation', 'from', 'to')
  if (done._tag === 'Right') return sendJson(request, reply, parametersJson(show(done.right, place)))
  const error = done.left
  if (error._tag === 'Conflict') return sendConflicts(error, place, request, reply)
  const said = error._tag === 'InvalidInput' ? parameters[error.data.what] : undefined
  if (error._tag !== 'InvalidInput' || said === undefined) throw error
  throw input.problem(said.name, error.data.problem, said.status === 404 ? 'not-found' : 'value', said.status)
}

/** What the store calls it, and which parameter has said it: what is not there, and what cannot be. */
const parameters: Readonly<Record<string, { readonly name: string; readonly status: number }>> = {
  transaction: { name: 'transaction', status: 404 },
  request: { name: 'request', status: 404 },
  version: { name: 'to', status: 404 },
  commits: { name: 'from', status: 400 },
  position: { name: 'to', status: 400 },
}

const written = ({ id, at, replayed, results }: TransactionResult): ReadonlyArray<Out> => [
  ...(id === undefined ? [] : [{ name: 'transaction', valueString: id }]),
  ...(at === undefined ? [] : [{ name: 'at', valueInstant: at }]),
  { name: 'replayed', valueBoolean: replayed },
  ...results.map(({ type, id, version, changed, op, restores }) =>
    changeOf({ type, id, version, restores, action: !changed ? 'leave' : op === 'delete' ? 'delete' : 'restore' }),
  ),
]

const planned = ({ changes }: RevertPlan, place: Place): ReadonlyArray<Out> => {
  const conflicts = changes.flatMap(({ conflict }) => conflict ?? [])
  return [
    ...changes.map((change) =>
      changeOf({ ...change, version: change.action === 'leave' ? change.version : change.version + 1 }),
    ),
    ...(conflicts.length === 0
      ? []
      : [{ name: 'outcome', resource: located(outcomeOf(annalsError('Conflict', { conflicts })), place) }]),
  ]
}

function changeOf({
  type,
  id,
  version,
  restores,
  action,
}: Omit<Compensation, 'restores' | 'conflict'> & { restores?: number | undefined }): Out {
  return {
    name: 'change',
    part: [
      { name: 'resource', valueReference: { reference: `${type}/${id}` } },
      { name: 'action', valueCode: action },
      { name: 'version', valueUnsignedInt: version },
      ...(restores === undefined ? [] : [{ name: 'restores', valueUnsignedInt: restores }]),
    ],
  }
}
