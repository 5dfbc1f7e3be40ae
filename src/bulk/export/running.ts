/** The exports that this process runs: so many at a time, the others wait their turn, tenant by tenant. */
import { setMaxListeners } from 'node:events'
import { annalsError } from '../../../domain/error.js'
import { childOf } from '../../../projections/stopping.js'
import type { Limits } from '../../limits.js'
import { makePlaces, nextOf, type Waiting } from '../turns.js'
import type { ExportPart, ExportProgress } from './api.js'
import type { StoredExport } from './state.js'

/** One of them, and what is known of it here beyond its state. */
export interface Running {
  readonly ended: Promise<StoredExport>
  readonly parts: ReadonlyArray<ExportPart>
  readonly progress: ExportProgress | undefined
  /** Resolves at the next part, or at the end. */
  changed(): Promise<void>
  /** Stops it where it is. */
  stop(): void
}

export interface Hearing {
  readonly onProgress: (progress: ExportProgress) => void
  readonly onPart: (part: ExportPart) => void
}

export type Work = (hearing: Hearing, signal: AbortSignal) => Promise<StoredExport>

export interface RunningExports {
  /** Fails with `LimitExceeded` if too many of a tenant wait already. */
  checkRoom(tenant: string): void
  /** Whether another one would begin at once. */
  hasRoom(): boolean
  /** The one of this key that runs here, or begins to. */
  start(tenant: string, key: string, work: Work): Running
  find(key: string): Running | undefined
  /** Aborts when all of them are to stop. */
  readonly signal: AbortSignal
  /** Stops all of them where they are: others can go on with them. */
  close(): Promise<void>
}

interface Turn extends Waiting {
  begin(): void
}

export function makeRunning({ maxExports, maxWaitingExports }: Limits): RunningExports {
  const all = new Map<string, Running>()
  const waiting: Turn[] = []
  const places = makePlaces()
  const stop = new AbortController()
  // Each that runs or waits listens to it.
  setMaxListeners(0, stop.signal)
  let busy = 0

  /** Who is stopped does not wait any more. */
  async function turn(tenant: string, signal: AbortSignal): Promise<void> {
    if (busy < maxExports) {
      busy++
      return places.take(tenant)
    }
    await new Promise<void>((resolve, reject) => {
      const own: Turn = {
        tenant,
        begin() {
          signal.removeEventListener('abort', giveUp)
          places.take(tenant)
          resolve()
        },
      }
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(own), 1)
        reject(annalsError('Cancelled', { what: 'this run of the export, which can be resumed,' }))
      }
      waiting.push(own)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** Whoever waits takes the place over. */
  function leave(tenant: string): void {
    places.leave(tenant)
    const next = nextOf(waiting, places.has)
    if (next === undefined) busy--
    else next.begin()
  }

  function start(tenant: string, key: string, work: Work): Running {
    const there = all.get(key)
    if (there !== undefined) return there
    const parts: ExportPart[] = []
    let progress: ExportProgress | undefined
    let wake = (): void => undefined
    let change = new Promise<void>((resolve) => {
      wake = resolve
    })
    const tell = (): void => {
      wake()
      change = new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const hearing: Hearing = {
      onProgress: (now) => {
        progress = now
      },
      onPart: (part) => {
        parts.push(part)
        tell()
      },
    }
    const own = childOf(stop.signal)
    const ended = (async () => {
      try {
        await turn(tenant, own.signal)
        try {
          return await work(hearing, own.signal)
        } finally {
          leave(tenant)
        }
      } finally {
        own.release()
        all.delete(key)
        tell()
      }
    })()
    // Nobody has to wait for its end.
    ended.catch(() => undefined)
    const running: Running = {
      ended,
      parts,
      get progress() {
        return progress
      },
      changed: () => change,
      stop: own.release,
    }
    all.set(key, running)
    return running
  }

  return {
    checkRoom(tenant) {
      const actual = waiting.filter((each) => each.tenant === tenant).length + 1
      if (busy < maxExports || actual <= maxWaitingExports) return
      throw annalsError('LimitExceeded', { what: 'waiting exports', limit: maxWaitingExports, actual, unit: 'exports' })
    },
    hasRoom: () => busy < maxExports && !stop.signal.aborted,
    start,
    find: (key) => all.get(key),
    signal: stop.signal,
    async close() {
      stop.abort()
      await Promise.allSettled([...all.values()].map(({ ended }) => ended))
    },
  }
}
