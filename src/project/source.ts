/** The log of a tenant as projections read it: pages are pulled, and a bell or a slow poll says when to look again. */
import { filter } from 'rxjs'
import type { Commit } from '../../domain/commit.js'
import { pointersOf } from '../../domain/pointer.js'
import type { Clock, Doorbell } from '../../domain/ports/index.js'
import type { EventLookup } from '../../projections/objects/index.js'
import type { EventSource } from '../../projections/projection.js'
import { childOf } from '../../projections/stopping.js'
import type { Limits } from '../limits.js'
import { bodiesOf } from '../read/bodies.js'
import type { LogReader } from '../read/log-reader.js'
import type { Reader } from '../read/reader.js'

export interface SourceDeps {
  readonly log: LogReader
  readonly reader: Reader
  readonly doorbell: Doorbell
  readonly clock: Clock
  readonly limits: Limits
  /** A bell may be lost: how often to look all the same, in milliseconds. */
  readonly pollMs: number
}

export function eventSource({ log, reader, doorbell, clock, limits, pollMs }: SourceDeps): EventSource {
  return {
    name: log.name,
    partition: log.partition,
    head: () => reader.head(),
    linkAt: async (seq) => (await log.open(seq))?.commit,
    async *follow(link, { to, bodies }) {
      for await (const opened of log.follow(link, { whole: bodies, to }))
        yield {
          commit: opened.commit,
          bodies: (pointers) => bodiesOf(reader, pointers, limits, new Map([[opened.commit.seq, opened]])),
        }
    },
    async wake(signal) {
      const rung = childOf(signal)
      const ring = doorbell
        .listen()
        .pipe(filter((each) => each.log === log.name || each.log === '*'))
        .subscribe(() => rung.release())
      await clock.sleep(pollMs, rung.signal)
      ring.unsubscribe()
      rung.release()
    },
  }
}

/** What pointers and log know of single events; the commit asked for last is kept. */
export function eventLookup(log: LogReader, reader: Reader): EventLookup {
  let last: Commit | undefined
  return {
    version: (ref, version) => reader.version(ref, version),
    current: (ref) => reader.current(ref),
    async at({ partition, seq, index }) {
      if (partition !== log.partition) return undefined
      const commit = last?.seq === seq ? last : (await log.open(seq))?.commit
      last = commit
      return commit && pointersOf(commit, partition)[index]
    },
  }
}
