/** Cuts the log into pages: as many commits as fit, or a part of a commit that is larger than a page. */
import type { ChainLink, Commit } from '../domain/commit.js'
import { annalsError } from '../domain/error.js'
import { pointersOf, type VersionPointer } from '../domain/pointer.js'
import {
  type EventSource,
  type Page,
  type Place,
  type ProjectedEvent,
  type Projection,
  type SourceCommit,
  wants,
} from './projection.js'

/** A page ends where it reaches one of these. */
export interface PageLimits {
  readonly events: number
  readonly bytes: number
  /** Commits of a page, whether or not any of their events are asked for. */
  readonly commits: number
}

export const defaultPageLimits: PageLimits = { events: 500, bytes: 4 * 1024 * 1024, commits: 1_000 }

/** The limits with some of their own: whole numbers from 1. */
export function pageLimits(some: Partial<PageLimits> = {}): PageLimits {
  for (const [what, limit] of Object.entries(some))
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw annalsError('InvalidInput', { what: `page.${what}`, problem: 'it is a whole number from 1' })
  return { ...defaultPageLimits, ...some }
}

/** Pages from a place up to the commit `to`, each made when the one before has been handled. */
export async function* pagesOf(
  source: EventSource,
  projection: Projection,
  from: Place,
  to: number,
  limits: PageLimits = defaultPageLimits,
): AsyncGenerator<Page> {
  const isWanted = wants(projection)
  let draft = emptyDraft(from)
  let link: ChainLink = from
  for await (const sourceCommit of source.follow(from, { to, bodies: projection.bodies })) {
    const { commit } = sourceCommit
    const pointers = pointersOf(commit, source.partition)
    let done = draft.to.seq === link.seq ? draft.to.done : 0
    do {
      const part = nextPart(pointers, done, draft, limits)
      done += part.length
      await fill(draft, sourceCommit, part.filter(isWanted), link, projection.bodies)
      draft.to = done < pointers.length ? placeIn(link, done) : placeAfter(commit)
      if (done >= pointers.length) draft.commits++
      if (isFull(draft, limits)) {
        yield pageOf(draft)
        draft = emptyDraft(draft.to)
      }
    } while (done < pointers.length)
    link = commit
  }
  if (draft.to !== draft.from) yield pageOf(draft)
}

interface Draft {
  readonly from: Place
  to: Place
  readonly events: ProjectedEvent[]
  /** The link before the commit of each event. */
  readonly links: ChainLink[]
  bytes: number
  commits: number
}

const emptyDraft = (from: Place): Draft => ({ from, to: from, events: [], links: [], bytes: 0, commits: 0 })

const placeIn = ({ seq, hash, at }: ChainLink, done: number): Place => ({ seq, hash, at, done })
const placeAfter = (commit: Commit): Place => placeIn(commit, 0)

const isFull = ({ events, bytes, commits }: Draft, limits: PageLimits): boolean =>
  events.length >= limits.events || bytes >= limits.bytes || commits >= limits.commits

/** The next events of a commit that fit into the page; at least one, so that a page always moves on. */
function nextPart(
  pointers: ReadonlyArray<VersionPointer>,
  done: number,
  { events, bytes }: Draft,
  limits: PageLimits,
): ReadonlyArray<VersionPointer> {
  let end = done
  let room = limits.bytes - bytes
  const last = Math.min(pointers.length, done + Math.max(1, limits.events - events.length))
  while (end < last && (room > 0 || end === done)) room -= (pointers[end++] as VersionPointer).length ?? 0
  return pointers.slice(done, end)
}

async function fill(
  draft: Draft,
  sourceCommit: SourceCommit,
  pointers: ReadonlyArray<VersionPointer>,
  link: ChainLink,
  withBodies: boolean,
): Promise<void> {
  if (pointers.length === 0) return
  const bodies = withBodies ? await sourceCommit.bodies(pointers) : []
  pointers.forEach((pointer, i) => {
    draft.events.push({ pointer, body: bodies[i] })
    draft.links.push(link)
    draft.bytes += bodies[i]?.length ?? 0
  })
}

function pageOf({ from, to, events, links }: Draft): Page {
  return {
    from,
    to,
    events,
    placeBefore: (event) => placeIn(links[events.indexOf(event)] as ChainLink, event.pointer.index),
  }
}
