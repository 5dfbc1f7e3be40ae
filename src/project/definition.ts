/** Projections as their authors see them, and how one becomes what the runner runs. */
import { annalsError } from '../../domain/error.js'
import type { Op } from '../../domain/header.js'
import type { BlobStore, PointerStore } from '../../domain/ports/index.js'
import { orThrow } from '../../domain/task.js'
import { eachEvent } from '../../projections/each.js'
import type { EventLookup } from '../../projections/objects/index.js'
import { beginning, comparePlaces, decodePlace, encodePlace } from '../../projections/place.js'
import type { ProjectedEvent, Projection } from '../../projections/projection.js'
import type { ResourceVersion } from '../api.js'
import { resourceVersion } from '../version.js'

/** A projection of one's own: a name, a version, and either `apply` or `each`. */
export interface ProjectionDefinition {
  /** Lower-case letters, digits and hyphens; it begins with a letter. */
  readonly name: string
  /** A whole number from 1. A higher one is built beside the one that serves, and takes over when it has caught up. */
  readonly version: number
  /** Only events of these types, and of these operations (default: all). */
  readonly types?: ReadonlyArray<string>
  readonly operations?: ReadonlyArray<Op>
  /** `false` leaves the bodies out, and their reads. */
  readonly bodies?: boolean
  /**
   * For what cannot be taken back, such as messages to others: begins with the first event after its first start, and
   * neither a later version nor a recovery fires for what came before. It cannot be rebuilt.
   */
  readonly sideEffects?: boolean
  /** A page of events in log order. At least once: after a failure or a crash a page may come again. */
  apply?(page: ProjectionPage, context: ProjectionContext): Promise<void>
  /** One event at a time for each resource, `concurrency` resources side by side. At least once. */
  each?(event: ResourceVersion, context: ProjectionContext): Promise<void>
  /** Resources that `each` handles side by side (default 16). */
  readonly concurrency?: number
  /**
   * Exactly once: the `checkpoint` of the last page that `apply` has written down, in one transaction with its effect. The
   * projection goes on from there, wherever the store believes it to be; without one, from the first event.
   */
  checkpoint?(scope: ProjectionScope): Promise<string | undefined>
  /** Before a rebuild: forgets everything, its own checkpoint too. May be called more than once. */
  reset?(scope: ProjectionScope): Promise<void>
  /** Removes what an older version has left, once this one serves. May be called more than once. */
  retire?(version: number, scope: ProjectionScope): Promise<void>
}

/** Whose log it is. */
export interface ProjectionScope {
  readonly tenant: string
  readonly partition: number
}

export interface ProjectionContext extends ProjectionScope {
  readonly signal: AbortSignal
  /** The projection is being built anew. */
  readonly isRebuild: boolean
}

export interface ProjectionPage {
  /** Those that the projection asks for, in log order. */
  readonly events: ReadonlyArray<ResourceVersion>
  /**
   * Where the projection stands before this page, and after it: opaque texts, for `checkpoint`. `previous` is absent before
   * the first event, as `checkpoint` is when nothing is written down: compare the two, and refuse a page that does not follow.
   */
  readonly previous?: string
  readonly checkpoint: string
}

/** What a projection is bound to when it runs. */
export interface Binding extends ProjectionScope {
  readonly shards: number
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly lookup: EventLookup
}

/** A projection that a store can run: your own, by `defineProjection`, or one of the store's. */
export interface DefinedProjection {
  readonly name: string
  readonly version: number
  /** For the store. */
  readonly bind: (binding: Binding) => Projection
  /** What one of your own was defined by. */
  readonly definition?: ProjectionDefinition
}

const defaultConcurrency = 16
const namePattern = /^[a-z][a-z0-9-]{0,63}$/
const operations: ReadonlyArray<unknown> = ['create', 'update', 'delete']

export function defineProjection(definition: ProjectionDefinition): DefinedProjection {
  const problem = problemOf(definition)
  if (problem !== undefined) throw annalsError('InvalidInput', { what: 'projection', problem })
  const { name, version } = definition
  return { name, version, bind: (binding) => bound(definition, binding), definition }
}

function bound(definition: ProjectionDefinition, { tenant, partition }: Binding): Projection {
  const { name, version, types, checkpoint, reset, retire, bodies = true, sideEffects = false } = definition
  const scope: ProjectionScope = { tenant, partition }
  return {
    name,
    version,
    bodies,
    sideEffects,
    // A change of what is asked for changes what is built.
    settings: JSON.stringify([types ?? null, definition.operations ?? null]),
    ...(types === undefined ? undefined : { types }),
    ...(definition.operations === undefined ? undefined : { operations: definition.operations }),
    apply: applier(definition, scope),
    ...(checkpoint === undefined
      ? undefined
      : {
          place: async () => {
            const text = await checkpoint.call(definition, scope)
            return text === undefined ? undefined : orThrow(decodePlace(text))
          },
        }),
    ...(reset === undefined ? undefined : { reset: () => reset.call(definition, scope) }),
    ...(retire === undefined ? undefined : { retire: (older) => retire.call(definition, older, scope) }),
  }
}

function applier(definition: ProjectionDefinition, scope: ProjectionScope): Projection['apply'] {
  const { concurrency = defaultConcurrency } = definition
  if (definition.each !== undefined)
    return eachEvent(
      async (event, { signal, isRebuild }) => definition.each?.(versionOf(event), { ...scope, signal, isRebuild }),
      concurrency,
    )
  return async ({ events, from, to }, { signal, isRebuild }) => {
    const page: ProjectionPage = {
      events: events.map(versionOf),
      checkpoint: encodePlace(to),
      ...(comparePlaces(from, beginning) === 0 ? undefined : { previous: encodePlace(from) }),
    }
    await definition.apply?.(page, { ...scope, signal, isRebuild })
    return {}
  }
}

const versionOf = ({ pointer, body }: ProjectedEvent): ResourceVersion => resourceVersion(pointer, body?.slice())

function problemOf({ name, version, apply, each, concurrency, checkpoint, ...rest }: ProjectionDefinition) {
  if (typeof name !== 'string' || !namePattern.test(name))
    return `the name '${String(name).slice(0, 64)}' is none: a letter, then letters, digits and hyphens, all lower case`
  if (!Number.isSafeInteger(version) || version < 1) return `the version of '${name}' is a whole number from 1`
  if ((apply === undefined) === (each === undefined)) return `'${name}' needs either apply or each`
  if (concurrency !== undefined && (!Number.isSafeInteger(concurrency) || concurrency < 1))
    return `the concurrency of '${name}' is a whole number from 1`
  if (checkpoint !== undefined && apply === undefined)
    return `'${name}' keeps its own checkpoint, which only pages (apply) have`
  if (rest.operations?.some((op) => !operations.includes(op)))
    return `the operations of '${name}' are create, update and delete`
  if (rest.sideEffects === true && checkpoint !== undefined)
    return `'${name}' has side effects, whose place the store keeps: it cannot have a checkpoint of its own`
  return undefined
}
