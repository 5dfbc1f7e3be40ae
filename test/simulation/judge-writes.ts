/** Judges what callers are told of their writes. */
import type { AnnalsError, VersionConflict } from '../../domain/error.js'
import type { TransactionResult, WriteResult } from '../../src/write/result.js'
import { type Attempt, type Call, violate, type Written } from './call.js'
import type { Board } from './make-call.js'
import type { Process } from './process.js'
import { type ExpectedResult, expectedOf, keyOf } from './reference.js'
import type { TrueEvent } from './truth.js'
import type { World } from './world.js'

/** `unknown`: the call has to be tried again to learn what became of it. */
export type Outcome = 'done' | 'nothing happened' | 'unknown'

/** What a caller hears of a write that went well. A single write answers without saying whether it answers again. */
export type Acknowledgement = Pick<TransactionResult, 'results'> & { readonly replayed?: boolean }

/** Judges an answer that says the write is done. */
export function acknowledged(world: World, board: Board, made: Attempt, answer: Acknowledgement): Outcome {
  const { truth } = world
  const { results, replayed } = answer
  const { call } = made
  made.promised = 'written'
  // An answer that wrote nothing leaves no receipt: another attempt may have found something to write since.
  const began = replayed === false || call.single ? made.began : (call.attempts[0] as Attempt).began
  const wroteNothing = call.written?.attempt !== made && couldStay(world, call, results, began)
  if (!wroteNothing) judgeWritten(made, answer)
  if (!wroteNothing) truth.tell((call.written as Written).seq)
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

/** The answer is what the log holds, there where it says. */
function judgeWritten({ name, call: { written } }: Attempt, { results, replayed }: Acknowledgement): void {
  if (written === undefined) violate(`${name} was acknowledged and is not in the log: ${JSON.stringify(results)}`)
  if (replayed === false && written.attempt.name !== name)
    violate(`${name} was acknowledged as new, but ${written.attempt.name} was written`)
  const same =
    results.length === written.results.length &&
    results.every((result, i) => agrees(result, written.results[i] as ExpectedResult))
  if (!same) violate(`${name} was answered ${JSON.stringify(results)}, the log says ${JSON.stringify(written.results)}`)
  for (const { changed, position } of results)
    if (changed && position?.seq !== written.seq) violate(`${name} was answered the wrong position`)
}

const agrees = (result: WriteResult, expected: ExpectedResult): boolean =>
  result.type === expected.type &&
  result.id === expected.id &&
  result.version === expected.version &&
  result.changed === expected.changed

/** Whether at some moment since `began`, but before the call was written, there was nothing to write, as the answer says. */
function couldStay(world: World, call: Call, results: ReadonlyArray<WriteResult> | undefined, began: number): boolean {
  const { truth } = world
  for (const boundary of truth.boundaries(began, truth.length)) {
    if (call.written !== undefined && boundary.seq >= call.written.seq) break
    const expected = expectedOf(call.operations, (key) => truth.standingAt(key, boundary), String)
    if (expected.conflicts.length > 0 || expected.results.some(({ changed }) => changed)) continue
    if (results === undefined || results.every((result, i) => agrees(result, expected.results[i] as ExpectedResult)))
      return true
  }
  return false
}

/** Judges an answer that says it is not, or that nobody knows. */
export function refused(world: World, process: Process, made: Attempt, error: AnnalsError): Outcome {
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
