/** A projection among faults: what happens around its pages, and an event that it cannot read the first time. */
import { formatPosition } from '../../../domain/position.js'
import type { ProjectedEvent } from '../../../projections/projection.js'
import type { ResourceVersion } from '../../api.js'
import { type DefinedProjection, defineProjection, type ProjectionDefinition } from '../../project/definition.js'

export interface Faults {
  /** Before a page is handled; `page` counts from 0. */
  before?(page: number): Promise<void>
  /** When it has had its effect, and the store does not know yet. */
  after?(page: number, events: ReadonlyArray<string>): void
  /** The position of an event that cannot be read: the first attempt at it fails. */
  readonly failAt?: string
}

/** `name`: by which the store knows it, so that several targets can be built side by side. */
export function amongFaults(
  name: string,
  defined: DefinedProjection,
  { before, after, failAt }: Faults,
): DefinedProjection {
  const base = failAt === undefined ? defined : failingOnce(defined, failAt)
  return {
    name,
    version: defined.version,
    bind: (binding) => {
      const projection = base.bind(binding)
      let pages = 0
      return {
        ...projection,
        name,
        apply: async (page, context) => {
          const number = pages++
          await before?.(number)
          const applied = await projection.apply(page, context)
          if (!('failure' in applied)) after?.(number, page.events.map(positionOf))
          return applied
        },
      }
    },
  }
}

export const positionOf = ({ pointer }: ProjectedEvent): string => formatPosition(pointer)

/** Only one's own projection can be made to stumble in the middle of a page; others are left as they are. */
function failingOnce(defined: DefinedProjection, failAt: string): DefinedProjection {
  const { definition } = defined
  if (definition === undefined) return defined
  let failed = false
  const poisoned = (event: ResourceVersion): ResourceVersion => {
    if (failed || formatPosition(event.position) !== failAt) return event
    return new Proxy(event, {
      get() {
        failed = true
        throw new Error(`the event at ${failAt} cannot be read just now`)
      },
    })
  }
  return defineProjection(withEvents(definition, poisoned))
}

function withEvents(
  definition: ProjectionDefinition,
  change: (event: ResourceVersion) => ResourceVersion,
): ProjectionDefinition {
  const { name, version, types, operations, bodies, sideEffects, concurrency } = definition
  const { apply, each, checkpoint, reset, retire } = definition
  return {
    ...{ name, version, types, operations, bodies, sideEffects, concurrency },
    apply: apply && ((page, context) => apply.call(definition, { ...page, events: page.events.map(change) }, context)),
    each: each && ((event, context) => each.call(definition, change(event), context)),
    checkpoint: checkpoint?.bind(definition),
    reset: reset?.bind(definition),
    retire: retire?.bind(definition),
  }
}
