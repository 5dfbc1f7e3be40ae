/** Workers on bulk jobs: each looks for something to do until it is stopped, at its pace, and sooner when it is woken. */
import { isAnnalsError } from '../../domain/error.js'
import type { Clock } from '../../domain/ports/index.js'

export interface BulkWorkOptions {
  /** How often to look for what nobody works on, in milliseconds (default 5,000). */
  readonly lookMs?: number
  /** Hears what goes wrong; the worker goes on. */
  readonly onFailure?: (error: unknown) => void
}

export interface BulkWorker {
  /** Looks at once: something was added. */
  wake(): void
  /** Resolves when what it was doing is left, to be gone on with. */
  stop(): Promise<void>
}

/** Does a step whose failure is told, and stops nothing. */
export type Guard = (step: () => Promise<unknown>) => Promise<void>

/** What a worker does each time it looks. */
export type Look = (guarded: Guard, signal: AbortSignal) => Promise<void>

export interface BulkWorkers {
  /** `left`: resolves when what it began and goes on between two looks is left, too. */
  begin(options: BulkWorkOptions, look: Look, left?: () => Promise<void>): BulkWorker
  /** Stops every worker. */
  close(): Promise<void>
}

const defaultLookMs = 5_000

export function makeBulkWorkers(clock: Clock): BulkWorkers {
  const workers = new Set<BulkWorker>()

  function begin(
    { lookMs = defaultLookMs, onFailure = () => undefined }: BulkWorkOptions,
    look: Look,
    left = async (): Promise<void> => undefined,
  ): BulkWorker {
    const stopping = new AbortController()
    const { signal } = stopping
    let waking = new AbortController()
    const guarded: Guard = async (step) => {
      try {
        await step()
      } catch (error) {
        if (!(signal.aborted && isAnnalsError(error))) onFailure(error)
      }
    }
    const ended = (async () => {
      while (!signal.aborted) {
        waking = new AbortController()
        await guarded(() => look(guarded, signal))
        await clock.sleep(lookMs, AbortSignal.any([signal, waking.signal]))
      }
      await left()
    })()
    const worker: BulkWorker = {
      wake: () => waking.abort(),
      stop: async () => {
        stopping.abort()
        await ended
        workers.delete(worker)
      },
    }
    workers.add(worker)
    return worker
  }

  return { begin, close: async () => void (await Promise.all([...workers].map((worker) => worker.stop()))) }
}
