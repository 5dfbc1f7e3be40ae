/** A tenant with a bit of everything in it, for recovery to rebuild and verification to walk. */
import { run } from '../../domain/task.js'
import type { Difference } from '../../src/recover/difference.js'
import { makeWorld, type World } from '../protocol/world.js'

export const large = `{"text":"${'x'.repeat(80)}"}`
export const limits = { maxInlineBytes: 60 }

/** Six commits: creates, updates, a delete, a batch, a large body, request keys. */
export async function tale(shards?: number): Promise<World> {
  const world = makeWorld({ shards })
  const { store, tenant } = await world.enter({ limits })
  await tenant.create('Note', '{"n":1}', { id: 'a', request: 'r1', actor: 'Ann', reason: 'because' })
  await tenant.update('Note', 'a', '{"n":2}')
  await tenant.transact(
    [
      { op: 'create', type: 'Task', id: 'b/ä', body: '{"n":3}' },
      { op: 'update', type: 'Note', id: 'a', body: '{"n":4}' },
      { op: 'create', type: 'Task', id: '..', body: '{"n":5}' },
    ],
    { request: 'r2' },
  )
  await tenant.create('Note', large, { id: 'large' })
  await tenant.delete('Note', 'a')
  await Promise.all([tenant.update('Note', 'a', '{"n":6}'), tenant.update('Task', 'c', '{"n":7}', { request: 'r3' })])
  await store.close()
  return world
}

export const commitCount = 6

/** What verification finds, as `kind key`. */
export async function differences(world: World): Promise<string[]> {
  const found: Difference[] = []
  const { store } = await world.open({ limits })
  const report = await store.verify('t', { onDifference: (difference) => found.push(difference) })
  if (report.differences !== found.length) throw new Error('the report does not count what it names')
  return found.map(({ kind, key }) => `${kind} ${key}`).sort()
}

export async function losePointers(world: World): Promise<void> {
  await run(world.pointers.deleteByPrefix(['']))
}
