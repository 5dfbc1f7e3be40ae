/** `annals transaction` and `annals show`: several writes as one, and what one wrote. */
import { elementsOf, isArrayAt, isObjectAt, membersOf, scanBody, textAt } from '../../../domain/body/index.js'
import { orThrow } from '../../../domain/task.js'
import { parseTransactionId } from '../../../domain/transaction-id.js'
import {
  type CommitView,
  defaultLimits,
  type EntryResponse,
  type OperationInput,
  type Tenant,
  type TransactionResult,
  versionJson,
} from '../../index.js'
import { type AuditFlags, auditOptions, withAuditFlags } from '../audit.js'
import { CliFailure, usage } from '../failure.js'
import { readInput } from '../input.js'
import { transactionJson } from '../json.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Session, withTenant } from '../session.js'
import { settingsOf } from '../settings.js'

const transactionExamples = `  annals transaction bundle.json                   a FHIR Bundle of type transaction or batch
  annals transaction operations.json --actor dr-lee --request-key 7f3a
  echo '{"operations":[{"op":"delete","type":"Patient","id":"p1"}]}' | annals transaction

Operations: {"operations":[{"op":"create","type","id"?,"body"}, {"op":"update","type","id","body","expect"?,"onlyIfChanged"?},
{"op":"delete","type","id","expect"?}, {"op":"check","type","id","expect"}]}; "expect" is "any", "exists", "absent" or a version.
Bodies are kept byte for byte. All of it is written as one commit, or nothing is; the entries of a batch stand for themselves.`

export const addTransaction: AddCommand = (make, surroundings) => {
  withAuditFlags(
    make('transaction [file]', 'Write several resources as one, from a file or stdin', transactionExamples),
  ).action(async (file: string | undefined, flags: AuditFlags) => {
    const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
    const bytes = await readInput(surroundings.io, file, defaultLimits.maxTransactionBytes)
    const { open, resourceType } = orThrow(scanBody(bytes))
    await withTenant(session, { create: true }, async (tenant) =>
      resourceType?.text === 'Bundle'
        ? writeBundle(session, tenant, bytes, flags)
        : showResult(session, await tenant.transact(operationsIn(bytes, open - 1), auditOptions(flags))),
    )
  })
}

/** The operations as they are written down, each body as its bytes. */
function operationsIn(bytes: Uint8Array, start: number): OperationInput[] {
  const list = [...membersOf(bytes, start)].find(({ name }) => name === 'operations')
  if (list === undefined || !isArrayAt(bytes, list.start))
    throw usage('a FHIR Bundle or {"operations":[…]} is needed; see annals transaction --help')
  return [...elementsOf(bytes, list.start)].map((element, place) => {
    if (!isObjectAt(bytes, element.start)) throw usage(`operation ${place}: an object is needed`)
    const operation: Record<string, unknown> = {}
    for (const { name, ...span } of membersOf(bytes, element.start))
      operation[name] =
        name === 'body'
          ? bytes.subarray(span.start, span.end)
          : (textAt(bytes, span) ?? JSON.parse(Buffer.from(bytes.subarray(span.start, span.end)).toString()))
    if (!['create', 'update', 'delete', 'check'].includes(operation.op as string))
      throw usage(`operation ${place}: its "op" is "create", "update", "delete" or "check"`)
    if ((operation.op === 'create' || operation.op === 'update') && operation.body === undefined)
      throw usage(`operation ${place}: it needs a "body"`)
    return operation as unknown as OperationInput
  })
}

async function writeBundle(session: Session, tenant: Tenant, bytes: Uint8Array, flags: AuditFlags): Promise<void> {
  const { out, json } = session
  const answer = await tenant.bundle(bytes, auditOptions(flags))
  if (json) await out.line(answer.bytes())
  else for (const entry of answer.entries) await out.line(entryLine(session, entry))
  await out.flush()
  noteTransaction(session, answer.transaction)
  const failed = answer.entries.filter(({ status }) => status >= 400).length
  if (failed > 0) throw new CliFailure('Failed', `${failed} of ${answer.entries.length} entries failed`, { failed })
}

function entryLine({ colors }: Session, { status, type, id, version, outcome }: EntryResponse): string {
  const { diagnostics = '' } = outcome?.issue[0] ?? {}
  const about = type === undefined ? '' : ` ${type}${id === undefined ? '' : `/${id}`}`
  const at = version === undefined ? '' : ` version ${version}`
  return `${(status >= 400 ? colors.red : colors.green)(String(status))}${about}${at}${diagnostics && ` ${diagnostics}`}`
}

const verbs = { create: 'created', update: 'updated', delete: 'deleted' } as const

async function showResult(session: Session, result: TransactionResult): Promise<void> {
  const { out, json, colors } = session
  if (json) return out.line(transactionJson(result))
  for (const { type, id, version, changed, op } of result.results) {
    const verb = changed ? verbs[op ?? 'update'] : 'unchanged'
    await out.line(`${(changed ? colors.green : colors.dim)(verb)} ${type}/${id} version ${version}`)
  }
  await out.flush()
  noteTransaction(session, result.id)
}

const noteTransaction = (session: Session, id: string | undefined): void => {
  if (id !== undefined) session.note(`transaction ${id}; to take it back: annals revert ${id}`)
}

const showExamples = `  annals show 12-0
  annals show 12-0 --json

'annals history' and 'annals log --json' name transactions.`

export const addShow: AddCommand = (make, surroundings) => {
  make('show <transaction>', 'What a transaction wrote, who did it and why', showExamples).action(
    async (text: string, flags: object) => {
      const { seq, transaction } = orThrow(parseTransactionId(text))
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      await withTenant(session, { create: false }, async (tenant) => {
        const inRange = seq >= 1 && seq <= (await tenant.head()).seq
        if (inRange)
          for await (const commit of tenant.commits({ from: seq, to: seq, bodies: false })) {
            const found = commit.transactions[transaction]
            if (found !== undefined) return showTransaction(session, commit, found)
          }
        throw new CliFailure('NotFound', `there is no transaction ${text}`, { transaction: text })
      })
    },
  )
}

async function showTransaction(
  { out, json, colors }: Session,
  { at, writer }: CommitView,
  { events, ...said }: CommitView['transactions'][number],
): Promise<void> {
  if (json) {
    const fields = JSON.stringify({ ...said, at, writer })
    const shown = events.map((event) => Buffer.from(versionJson(event)).toString())
    return out.line(`${fields.slice(0, -1)},"events":[${shown.join(',')}]}`)
  }
  for (const [name, value] of Object.entries({ transaction: said.id, at, writer, ...said, id: undefined }))
    if (value !== undefined) await out.line(`${colors.dim(name.padEnd(12))} ${value}`)
  for (const { type, id, version, op, restores } of events) {
    const as = restores === undefined ? '' : `, as version ${restores}`
    await out.line(`${colors.bold(verbs[op])} ${type}/${id} version ${version}${as}`)
  }
  await out.flush()
}
