/**
 * The doorbell of a table: its stream says which heads have moved. It reads only while somebody listens, one reader for
 * all listeners of a process; a stream lets two processes read at a time, and one that is refused rings now and then.
 */
import { merge, Observable, Subject, share, takeUntil } from 'rxjs'
import { logOfHead } from '../../../domain/keys.js'
import type { Clock, Doorbell, Ring } from '../../../domain/ports/index.js'
import type { StreamApi } from './api.js'
import { makeStreamReader, type StreamReader } from './reader.js'

export interface StreamDoorbellOptions {
  readonly apis: ReadonlyArray<StreamApi>
  readonly clock: Clock
  readonly times?: Partial<DoorbellTimes>
}

/** In milliseconds. */
export interface DoorbellTimes {
  /** Between two looks at a shard; a shard answers five times a second. */
  readonly lookMs: number
  /** The longest wait when the stream is throttled or cannot be reached. */
  readonly slowMs: number
  /** Between two rings for every log where there is no stream to listen to. */
  readonly blindMs: number
  /** How long the stream is read on after the last listener has left: most come back at once. */
  readonly lingerMs: number
}

const defaultTimes: DoorbellTimes = { lookMs: 250, slowMs: 5_000, blindMs: 5_000, lingerMs: 10_000 }

export interface StreamDoorbell extends Doorbell {
  close(): void
}

const everyLog: Ring = { log: '*', seq: 0 }

export function streamDoorbell({ apis, clock, times }: StreamDoorbellOptions): StreamDoorbell {
  const { lookMs, slowMs, blindMs, lingerMs } = { ...defaultTimes, ...times }
  const closed = new Subject<void>()
  /** Rings of this process need not wait for the stream. */
  const own = new Subject<Ring>()

  async function follow(reader: StreamReader, ring: (ring: Ring) => void, signal: AbortSignal): Promise<void> {
    let wait = lookMs
    while (!signal.aborted) {
      const { heads, missed, state } = await reader.look()
      if (signal.aborted) return
      for (const [pk, seq] of heads) {
        const log = logOfHead(pk)
        if (log !== undefined) ring({ log, seq })
      }
      if (missed || state === 'none') ring(everyLog)
      wait = state === 'none' ? blindMs : state === 'slow' ? Math.min(slowMs, wait * 2) : lookMs
      // Whoever cannot be heard is not waited for: listeners look at the head.
      if (state === 'slow' && wait === slowMs) ring(everyLog)
      await clock.sleep(wait, signal)
    }
  }

  const rings = new Observable<Ring>((subscriber) => {
    const stop = new AbortController()
    for (const api of apis)
      follow(makeStreamReader(api), (ring) => subscriber.next(ring), stop.signal).catch((error) =>
        subscriber.error(error),
      )
    return () => stop.abort()
  }).pipe(takeUntil(closed), share({ resetOnRefCountZero: () => after(lingerMs) }))

  /** Once, unless it is given up before: then nothing waits any more. */
  const after = (ms: number): Observable<void> =>
    new Observable((subscriber) => {
      const stop = new AbortController()
      void clock.sleep(ms, stop.signal).then(() => subscriber.next())
      return () => stop.abort()
    })

  return {
    ring: (log, seq) => own.next({ log, seq }),
    listen: () => merge(own, rings).pipe(takeUntil(closed)),
    close: () => closed.next(),
  }
}
