/** Clients that write, and the judgement of every answer that they hear. */
import { type Either, isLeft, map } from 'fp-ts/lib/Either.js'
import type { AnnalsError, VersionConflict } from '../../domain/error.js'
import type { OperationInput } from '../../src/api.js'
import type { TransactionResult, WriteResult } from '../../src/write/result.js'
import { type Attempt, type Call, violate } from './call.js'
import type { Board } from './make-call.js'
import { gone, type Process } from './process.js'
import type { Random } from './random.js'
import { type ExpectedResult, expectedOf, keyOf } from './reference.js'
import type { TrueEvent } from './truth.js'
import type { World } from './world.js'

/** A single write answers without saying whether it answers again. */
type Answer = Either<AnnalsError, Pick<TransactionResult, 'results'> & { readonly replayed?: boolean }>

type Outcome = 'done' | 'nothing happened' | 'unknown'

export interface Client {
  readonly world: World
  /** Finds a process to ask. */
  readonly reach: (random: Random) => Promise<Process>
  readonly random: Random
  readonly board: Board
  readonly name: string
}

/** Asks until the call is done, or until it must not be asked again. */
export async function write(client: Client, call: Call): Promise<void> {
  const { random, world } = client
  for (;;) {
    const hedged = call.request !== undefined && random.chance(0.08)
    const began = world.truth.length
    const outcomes = await Promise.all([
      attempt(client, call, began),
      ...(hedged ? [attempt(client, call, began)] : []),
    ])
    if (outcomes.includes('done')) return
    // Without a key a second attempt is a second write, unless the first certainly did nothing.
    if (call.request === undefined && (outcomes[0] === 'unknown' || random.chance(0.5))) return
    world.count('attempts repeated')
    await world.scheduler.pause(client.name, 'waits to try again', random.magnitude(0.1, 50))
  }
}

async function attempt({ world, reach, random, board, name }: Client, call: Call, began: number): Promise<Outcome> {
  const { truth } = world
  const process = await reach(random)
  const made: Attempt = {
    name: `${call.name}/${call.attempts.length + 1}`,
    call,
    process: process.name,
    began,
    deadline: world.scheduler.now() + call.timeoutMs * 1000,
  }
  call.attempts.push(made)
  truth.expectAttempt(made)
  world.note(`  ${name} asks ${process.name} for ${made.name}: ${JSON.stringify(call.operations)} ${call.timeoutMs} ms`)
  const answer = await process.during(ask(process, made))
  if (answer === gone) {
    world.count('answers lost in a crash')
    return 'unknown'
  }
  world.note(`  ${name} hears of ${made.name}: ${isLeft(answer) ? answer.left._tag : 'done'}`)
  world.count(`answer: ${isLeft(answer) ? answer.left._tag : answer.right.replayed === true ? 'replayed' : 'written'}`)
  return isLeft(answer) ? refused(world, process, made, answer.left) : acknowledged(world, board, made, answer.right)
}

async function ask(process: Process, { call, name }: Attempt): Promise<Answer> {
  const { fp } = process.tenant
  const { request, timeoutMs, operations, single } = call
  const options = { reason: name, timeoutMs, ...(request === undefined ? undefined : { request }) }
  if (!single) return fp.transact(operations, options)()
  return map((result: WriteResult) => ({ results: [result] }))(await askForOne(operations[0] as OperationInput))

  function askForOne(operation: OperationInput): Promise<Either<AnnalsError, WriteResult>> {
    const { type } = operation
    switch (operation.op) {
      case 'create':
        return fp.create(type, operation.body, { ...options, ...(operation.id && { id: operation.id }) })()
      case 'update':
        return fp.update(type, operation.id, operation.body, { ...options, ...pickUpdate(operation) })()
      case 'delete':
        return fp.delete(type, operation.id, {
          ...options,
          ...(operation.expect !== undefined && { expect: operation.expect }),
        })()
    }
  }
}

const pickUpdate = ({ expect, onlyIfChanged }: OperationInput & { op: 'update' }) => ({
  ...(expect === undefined ? undefined : { expect }),
  ...(onlyIfChanged === undefined ? undefined : { onlyIfChanged }),
})

function acknowledged(
  world: World,
  board: Board,
  made: Attempt,
  { results, replayed }: { readonly results: ReadonlyArray<WriteResult>; readonly replayed?: boolean },
): Outcome {
  const { truth } = world
  const { call } = made
  const { written } = call
  made.promised = 'written'
  if (written === undefined) {
    const began = replayed === false || call.single ? made.began : (call.attempts[0] as Attempt).began
    if (!couldStay(world, call, results, began))
      violate(`${made.name} was acknowledged and is not in the log: ${JSON.stringify(results)}`)
  } else {
    if (replayed === false && written.attempt !== made)
      violate(`${made.name} was acknowledged as new, but ${written.attempt.name} was written`)
    const same =
      results.length === written.results.length &&
      results.every((result, i) => agrees(result, written.results[i] as ExpectedResult))
    if (!same)
      violate(`${made.name} was answered ${JSON.stringify(results)}, the log says ${JSON.stringify(written.results)}`)
    for (const { changed, position } of results)
      if (changed && position?.seq !== written.seq) violate(`${made.name} was answered the wrong position`)
    truth.tell(written.seq)
  }
  for (const { type, id, version, position, changed } of results) {
    if (version === 0) continue
    const event = truth.resources.get(keyOf(type, id))?.[version - 1]
    if (event === undefined || event.seq !== position?.seq || event.index !== position.index)
      violate(`${made.name} was answered a position that does not hold ${type}/${id} version ${version}`)
    board.set(keyOf(type, id), event)
    truth.tell(event.seq)
    if (!changed) world.count('unchanged answers')
  }
  return 'done'
}

const agrees = (result: WriteResult, expected: ExpectedResult): boolean =>
  result.type === expected.type &&
  result.id === expected.id &&
  result.version === expected.version &&
  result.changed === expected.changed

/** Whether at some moment since `began` there was nothing to write, and things stood as the answer says. */
function couldStay(world: World, call: Call, results: ReadonlyArray<WriteResult> | undefined, began: number): boolean {
  const { truth } = world
  for (const boundary of truth.boundaries(began, truth.length)) {
    const expected = expectedOf(call.operations, (key) => truth.standingAt(key, boundary), String)
    if (expected.conflicts.length > 0 || expected.results.some(({ changed }) => changed)) continue
    if (results === undefined || results.every((result, i) => agrees(result, expected.results[i] as ExpectedResult)))
      return true
  }
  return false
}

function refused(world: World, process: Process, made: Attempt, error: AnnalsError): Outcome {
  const { truth } = world
  const { call } = made
  const promiseNothing = (): Outcome => {
    if (call.written?.attempt === made) violate(`${made.name} is in the log, but its caller was told ${error._tag}`)
    made.promised = 'not written'
    made.because = error._tag
    return 'nothing happened'
  }
  switch (error._tag) {
    case 'Conflict':
      promiseNothing()
      judgeConflict(world, process, made, error.data.conflicts)
      return 'done'
    case 'Cancelled':
      if (process.phase === 'open') violate(`${made.name} was cancelled by a store that is open`)
      return promiseNothing()
    case 'Unavailable':
    case 'StorageRefused':
      return promiseNothing()
    case 'OutcomeUnknown':
      return 'unknown'
    case 'Unpublished': {
      const seq = Number(error.data.position.split('-')[1])
      if (call.written === undefined && couldStay(world, call, undefined, made.began)) return 'unknown'
      if (call.written?.seq !== seq || truth.length < seq)
        violate(
          `${made.name} is said to be durable at ${error.data.position}, and is not; it is in commit ${call.written?.seq}`,
        )
      return 'unknown'
    }
    default:
      return violate(`${made.name} was answered ${error._tag}: ${error.message}`)
  }
}

/** A conflict is right if the resources really stood so at some moment of the call, before anything of it was written. */
function judgeConflict(world: World, process: Process, made: Attempt, conflicts: ReadonlyArray<VersionConflict>): void {
  const { truth } = world
  const { call } = made
  for (const boundary of truth.boundaries(made.began, truth.length)) {
    if (call.written !== undefined && call.written.seq <= boundary.seq) break
    const expected = expectedOf(call.operations, (key) => truth.standingAt(key, boundary), String)
    const same =
      conflicts.length > 0 &&
      expected.conflicts.length === conflicts.length &&
      expected.conflicts.every(({ operation, actual, deleted }, i) => {
        const said = conflicts[i] as VersionConflict
        return said.operation === operation && said.actual === actual && said.deleted === deleted
      })
    if (!same) continue
    // Past its deadline, or from a store that closes, a caller hears of a conflict before readers can see it.
    if (process.phase !== 'open' || world.scheduler.now() >= made.deadline) return
    for (const { type, id, actual } of conflicts) {
      // An actual version can also be one that an earlier operation of the same transaction would have made.
      const standing = truth.standingAt(keyOf(type, id), boundary)
      if (standing.version === actual && 'seq' in standing) truth.tell((standing as TrueEvent).seq)
    }
    return
  }
  violate(`${made.name} was told of a conflict that never was: ${JSON.stringify(conflicts)}`)
}
