/** A store as functions find it: the tenants `t` and `u/v`, of three commits each, and a count of the runs of each. */
import { defineProjection, type Store } from '../../src/index.js'
import { type ProjectionHandlerOptions, projectionHandler } from '../../src/lambda/index.js'
import { makeWorld } from '../protocol/world.js'
import { sequence } from './events.js'

export async function filled() {
  const world = makeWorld()
  const { store, tenant, pointers } = await world.enter()
  const other = await store.tenant('u/v', { kind: 'json' })
  for (let n = 0; n < 3; n++) for (const each of [tenant, other]) await each.update('Note', 'a', { n })
  const runs: string[] = []
  const ended: string[] = []
  const counted: Store = {
    ...store,
    projections: {
      ...store.projections,
      run: (name, ...rest) => {
        runs.push(name)
        return store.projections.run(name, ...rest).finally(() => ended.push(name))
      },
    },
  }
  const heard: Array<[string, string, unknown]> = []
  const handle = (options: Pick<ProjectionHandlerOptions, 'projections'> & Partial<ProjectionHandlerOptions>) =>
    projectionHandler({
      store: async () => counted,
      onFailure: (error, place) => heard.push([place.tenant, place.projection, error]),
      ...options,
    })
  return { world, store, tenant, other, pointers, runs, ended, heard, handle }
}

export const done = { batchItemFailures: [] }
export const from = (n: number) => ({ batchItemFailures: [{ itemIdentifier: sequence(n) }] })

/** Fails on the log of one tenant. */
export const failing = (tenant: string, why: () => unknown) =>
  defineProjection({
    name: 'failing',
    version: 1,
    apply: async (_, scope) => {
      if (scope.tenant === tenant) throw why()
    },
  })
