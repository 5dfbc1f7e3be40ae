/**
 * Which events of a log are current versions, told while the log is read backwards: each event names the one before it of its
 * resource, so that an event that no newer one has named is the current version. All there is to remember are the places that
 * were named and not met yet, at most one for each resource.
 */
import { type Commit, eventsOf } from '../../../domain/commit.js'
import { annalsError } from '../../../domain/error.js'
import type { EventHeader } from '../../../domain/header.js'
import type { LogReader } from '../../read/log-reader.js'
import { indexOf, makePositionSet, packPosition, seqOf } from './position-set.js'

export interface Met {
  readonly event: EventHeader
  readonly index: number
  /** `before`: the version that stood before a current deletion, whose body was asked for. */
  readonly kind: 'current' | 'deletion' | 'before'
}

export interface Versions {
  /** The events of a commit that count, the last one first. Commits have to come one after the other, from the snapshot's end down. */
  meet(commit: Commit): Met[]
  /** Where the versions before deletions stand that were not met: seq and index, the newest first. */
  unmet(): ReadonlyArray<{ readonly seq: number; readonly index: number }>
  /** Every commit was met: then every version was. */
  end(): void
}

/** `asksBefore`: whether it needs the body from before a deletion to tell whether it counts. */
export function makeVersions(log: LogReader, asksBefore: (deletion: EventHeader, at: number) => boolean): Versions {
  const named = makePositionSet()
  const asked = makePositionSet()

  function meet(commit: Commit): Met[] {
    const { seq } = commit
    const events = [...eventsOf(commit)]
    const met: Met[] = []
    for (let i = events.length - 1; i >= 0; i--) {
      const { event, index } = events[i] as { event: EventHeader; index: number }
      const place = packPosition(seq, index)
      const isCurrent = !named.remove(place)
      const isAsked = asked.size > 0 && asked.remove(place)
      const before = placeBefore(event, place, seq)
      if (before !== undefined) named.add(before)
      if (!isCurrent && !isAsked) continue
      if (event.op !== 'delete') met.push({ event, index, kind: isCurrent ? 'current' : 'before' })
      else if (before === undefined || !asksBefore(event, commit.at)) met.push({ event, index, kind: 'deletion' })
      else asked.add(before)
    }
    return met
  }

  function placeBefore({ version, prev }: EventHeader, place: number, seq: number): number | undefined {
    const before = prev && packPosition(prev.seq, prev.index)
    const problem =
      (before === undefined) !== (version === 1)
        ? `version ${version} of a resource ${before === undefined ? 'names no' : 'names a'} version before it`
        : before !== undefined && before >= place
          ? 'a version names a later one as the one before it'
          : undefined
    if (problem !== undefined) throw annalsError('Corrupt', { key: log.key(seq), problem })
    return before
  }

  return {
    meet,
    unmet: () => asked.all().map((place) => ({ seq: seqOf(place), index: indexOf(place) })),
    end() {
      const [place] = named.all()
      if (place === undefined) return
      const problem = `there is no event ${indexOf(place)}, though a later version names it`
      throw annalsError('Corrupt', { key: log.key(seqOf(place)), problem })
    },
  }
}
