/** Makes a projection's `apply` of a handler of single events: in order for each resource, several resources at once. */
import { from, lastValueFrom, mergeMap } from 'rxjs'
import { refKey } from '../domain/resource.js'
import type { Applied, ApplyContext, Page, ProjectedEvent, Projection } from './projection.js'

/**
 * After a failure no new event is begun; those under way end. What is finished without a gap counts, the rest comes again.
 */
export function eachEvent(
  handle: (event: ProjectedEvent, context: ApplyContext) => Promise<void>,
  width: number,
): Projection['apply'] {
  return async function apply(page: Page, context: ApplyContext): Promise<Applied> {
    const finished = new Set<ProjectedEvent>()
    let failed: { readonly failure: unknown } | undefined

    async function inOrder(events: ReadonlyArray<ProjectedEvent>): Promise<void> {
      for (const event of events) {
        if (failed !== undefined || context.signal.aborted) return
        try {
          await handle(event, context)
        } catch (failure) {
          failed ??= { failure }
          return
        }
        finished.add(event)
      }
    }

    await lastValueFrom(from(byResource(page.events)).pipe(mergeMap(inOrder, width)), { defaultValue: undefined })
    const first = page.events.find((event) => !finished.has(event))
    return first === undefined ? {} : { place: page.placeBefore(first), ...failed }
  }
}

function byResource(events: ReadonlyArray<ProjectedEvent>): ReadonlyArray<ReadonlyArray<ProjectedEvent>> {
  const groups = new Map<string, ProjectedEvent[]>()
  for (const event of events) {
    const key = refKey(event.pointer)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [event])
    else group.push(event)
  }
  return [...groups.values()]
}
