/**
 * A projection worker: brings the store's own projections forward on some process, or builds one anew, and is stopped at any
 * moment, in the middle of a page too. In the end everything projected has to be a clean fold of the log.
 */
import type { AnnalsError } from '../../domain/error.js'
import { currentIndexProjection, objectsProjection } from '../../src/project/built-in.js'
import type { Store } from '../../src/store.js'
import { type Process, tenantName } from './process.js'
import { inStints, Stopped, type Subscriber, still } from './stints.js'
import type { Client } from './writes.js'

const objects = objectsProjection()
const both = [currentIndexProjection, objects]

export function makeProjector(client: Client): Subscriber {
  const { world, random, name } = client
  let finishing = false
  let mustRebuild = false

  async function stint(process: Process, last: boolean): Promise<void> {
    const { projections } = process.store as Store
    // Trouble that lasted has parked them: a person lets them go on.
    for (const each of both)
      if (
        (await still(process, projections.list(tenantName))).some((found) => found.name === each.name && found.parked)
      )
        await still(process, projections.resume(tenantName, each.name))
    const rebuild = mustRebuild ? objects : !last && random.chance(0.2) ? random.pick(both) : undefined
    world.note(`  ${name} ${rebuild === undefined ? 'projects' : `builds ${rebuild.name} anew`} on ${process.name}`)
    world.count(rebuild === undefined ? 'projections run' : 'projections built anew')
    const page = { events: random.pick([1, 3, 500]) }
    const reached =
      rebuild === undefined
        ? await still(process, projections.run(tenantName, both, { page }).catch(refused))
        : await still(process, projections.rebuild(tenantName, rebuild, { page }))
    if (mustRebuild) {
      mustRebuild = false
      if (last) throw new Stopped()
    }
    if (reached.some(({ parked }) => parked !== undefined)) world.count('projections parked')
    if (last && reached.some(({ parked }) => parked !== undefined)) throw new Stopped()
  }

  /** Pointers were lost before all parts of the objects had left traces: recovery has built those that had. */
  function refused(error: AnnalsError): never {
    if (error._tag !== 'InvalidInput' || !error.message.includes('rebuild it')) throw error
    mustRebuild = true
    throw new Stopped()
  }

  return {
    name,
    run: () => inStints(client, () => finishing, stint),
    finish: () => {
      finishing = true
    },
  }
}
