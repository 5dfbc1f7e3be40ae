/** Two that reset a projection at once: who comes late undoes nothing, or has it done again. */
import * as TE from 'fp-ts/lib/TaskEither.js'
import { expect, test } from 'vitest'
import { memoryPointerStore } from '../../adapters/memory/index.js'
import { annalsError } from '../../domain/error.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { type Checkpoint, checkpointStore } from '../../projections/checkpoint.js'
import { makeLifecycle } from '../../projections/lifecycle.js'
import { requestRebuild } from '../../projections/maintain.js'
import type { EventSource, Projection } from '../../projections/projection.js'
import { handClock } from '../protocol/hand-clock.js'

async function resetting(onReset: () => Promise<void>) {
  const clock = handClock()
  const stored = memoryPointerStore({ clock })
  let refusals = 0
  const refuse: PointerStore['compareAndSet'] = (item, expected) => {
    if (refusals === 0) return stored.compareAndSet(item, expected)
    refusals--
    return TE.left(annalsError('Unavailable', { operation: 'compareAndSet', key: item.pk, cause: 'asked to' }))
  }
  const checkpoints = checkpointStore({ ...stored, compareAndSet: refuse }, { tenant: 't', partition: 0 })
  const projection: Projection = {
    name: 'p',
    version: 1,
    bodies: false,
    sideEffects: false,
    settings: '',
    apply: async () => ({}),
    reset: onReset,
  }
  const source = {
    name: 't/0',
    partition: 0,
    head: async () => ({ seq: 0, hash: '', at: 0 }),
  } as unknown as EventSource
  const lifecycle = () => makeLifecycle({ projection, source, checkpoints, clock })
  await requestRebuild(checkpoints, projection, clock.now())
  return {
    lifecycle,
    checkpoints,
    rebuild: () => requestRebuild(checkpoints, projection, clock.now()),
    refuse: (times: number) => {
      refusals = times
    },
  }
}

test('who has read of it before others went on does not reset', async () => {
  let resets = 0
  const { lifecycle, checkpoints } = await resetting(async () => {
    resets++
  })
  const [first, late] = [lifecycle(), lifecycle()]
  const [read, readToo] = [(await first.begin()) as Checkpoint, (await late.begin()) as Checkpoint]
  expect((await first.reset(read))?.state).toBe('rebuilding')
  expect(await late.reset(readToo)).toBeUndefined()
  expect(resets).toBe(1)
  expect((await checkpoints.load('p', 1))?.state).toBe('rebuilding')
})

test('who has reset although others went on asks for another rebuild, until it is heard', async () => {
  const others: (() => Promise<unknown>)[] = []
  const { lifecycle, checkpoints, rebuild, refuse } = await resetting(async () => {
    await others.pop()?.()
  })
  const late = lifecycle()
  const read = (await late.begin()) as Checkpoint
  others.push(async () => {
    // Somebody takes over while this reset is under way.
    const other = lifecycle()
    await rebuild()
    expect((await other.reset((await other.begin()) as Checkpoint))?.state).toBe('rebuilding')
  })
  const save = checkpoints.save
  let saves = 0
  Object.assign(checkpoints, {
    save: (...args: Parameters<typeof save>) => {
      // From the failed end of the late reset on, the store cannot be reached for a while.
      if (++saves === 7) refuse(3)
      return save(...args)
    },
  })
  expect(await late.reset(read)).toBeUndefined()
  expect((await checkpoints.load('p', 1))?.state).toBe('resetting')
})
