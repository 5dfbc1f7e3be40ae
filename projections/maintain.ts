/** What a person asks of a projection: to be built anew, or to go on after it was parked. */
import { annalsError } from '../domain/error.js'
import type { Checkpoint, CheckpointStore } from './checkpoint.js'
import { beginning } from './place.js'
import type { Projection } from './projection.js'

/** Whoever runs the projection next, or runs it now, begins again; the parked state ends. */
export async function requestRebuild(
  checkpoints: CheckpointStore,
  { name, version, settings, sideEffects }: Projection,
  now: number,
): Promise<void> {
  if (sideEffects)
    throw annalsError('InvalidInput', {
      what: `projection ${name}`,
      problem: 'it has side effects, which a rebuild would repeat; give it a new name to let it begin anew',
    })
  const anew: Omit<Checkpoint, 'rev'> = { place: beginning, state: 'resetting', settings, savedAt: now }
  // The checkpoint may be lost with its table, and what the projection has built is there all the same: it has to go.
  if ((await checkpoints.save(name, version, anew, 0)) === undefined)
    await change(checkpoints, name, version, () => anew)
}

/** Answers whether it was parked. */
export async function resumeParked(
  checkpoints: CheckpointStore,
  { name, version }: Pick<Projection, 'name' | 'version'>,
  now: number,
): Promise<boolean> {
  let wasParked = false
  await change(checkpoints, name, version, (checkpoint) => {
    wasParked = checkpoint.parked !== undefined
    if (checkpoint.parked === undefined) return checkpoint
    return { ...checkpoint, parked: undefined, state: checkpoint.parked.was, savedAt: now }
  })
  return wasParked
}

async function change(
  checkpoints: CheckpointStore,
  name: string,
  version: number,
  next: (checkpoint: Checkpoint) => Omit<Checkpoint, 'rev'>,
): Promise<void> {
  for (;;) {
    const checkpoint = await checkpoints.load(name, version)
    if (checkpoint === undefined) return
    const changed = next(checkpoint)
    if (changed === checkpoint || (await checkpoints.save(name, version, changed, checkpoint.rev)) !== undefined) return
  }
}
