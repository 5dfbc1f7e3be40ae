/** Clients that write, and try again until they know what became of it. */
import { type Either, isLeft, map } from 'fp-ts/lib/Either.js'
import type { AnnalsError } from '../../domain/error.js'
import type { OperationInput } from '../../src/api.js'
import type { WriteResult } from '../../src/write/result.js'
import type { Attempt, Call } from './call.js'
import { type Acknowledgement, acknowledged, type Outcome, refused } from './judge-writes.js'
import type { Board } from './make-call.js'
import { gone, type Process } from './process.js'
import type { Random } from './random.js'
import type { World } from './world.js'

type Answer = Either<AnnalsError, Acknowledgement>

export interface Client {
  readonly world: World
  /** Finds a process to ask; another one than `not`, if there is any. */
  readonly reach: (random: Random, not?: Process) => Promise<Process>
  readonly random: Random
  readonly board: Board
  readonly name: string
}

/** Asks until the call is done, or until it must not be asked again. */
export async function write(client: Client, call: Call): Promise<void> {
  const { random, world } = client
  for (;;) {
    const began = world.truth.length
    const process = await client.reach(random)
    const attempts = [attempt(client, process, call, began)]
    if (call.request !== undefined && random.chance(world.profile.hedged)) {
      const second = random.chance(0.3) ? process : await client.reach(random, process)
      attempts.push(attempt(client, second, call, began))
    }
    const outcomes = await Promise.all(attempts)
    if (outcomes.includes('done')) return
    // Without a key a second attempt is a second write, unless the first certainly did nothing.
    if (call.request === undefined && (outcomes[0] === 'unknown' || random.chance(0.5))) return
    world.count('attempts repeated')
    await world.scheduler.pause(client.name, 'waits to try again', random.magnitude(0.1, 50))
  }
}

async function attempt({ world, board, name }: Client, process: Process, call: Call, began: number): Promise<Outcome> {
  const { truth } = world
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
  const answer = await process.writing(ask(process, made))
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
      case 'check':
        return fp
          .transact([operation], options)()
          .then(map(({ results }) => results[0] as WriteResult))
    }
  }
}

const pickUpdate = ({ expect, onlyIfChanged }: OperationInput & { op: 'update' }) => ({
  ...(expect === undefined ? undefined : { expect }),
  ...(onlyIfChanged === undefined ? undefined : { onlyIfChanged }),
})
