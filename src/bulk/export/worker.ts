/**
 * Workers on exports: processes that go on with what others have left, and remove what has expired. Which exports nobody works on
 * is one query, whatever the number of tenants.
 */
import { annalsError, isAnnalsError } from '../../../domain/error.js'
import { decodeSegment, exportsPk } from '../../../domain/keys.js'
import type { Clock, Item, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import type { Exporting } from './exports.js'
import { heldFrom } from './lease.js'
import type { RunningExports } from './running.js'

export interface ExportWorkOptions {
  /** How often to look for exports that nobody works on, in milliseconds (default 5,000). */
  readonly lookMs?: number
  /** How often to remove what has expired, of all tenants, in milliseconds (default 10 minutes); first at once. */
  readonly cleanupMs?: number
  /** Hears what goes wrong; the worker goes on. */
  readonly onFailure?: (error: unknown) => void
}

export interface StoreExports {
  /** Goes on with the exports of all tenants that nobody works on, and removes expired ones, until it is stopped. */
  work(options?: ExportWorkOptions): { stop(): Promise<void> }
  /** Removes what has expired, of all tenants. Answers how many exports that were. */
  cleanup(): Promise<number>
}

export interface ExportWorkersDeps {
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly running: RunningExports
  tenants(): AsyncIterable<string>
  exportingOf(tenant: string): Promise<Exporting>
}

const defaultLookMs = 5_000
const defaultCleanupMs = 600_000
const perPage = 1_000

export function makeExportWorkers(deps: ExportWorkersDeps) {
  const { pointers, clock, running } = deps
  const workers = new Set<{ stop(): Promise<void> }>()

  async function cleanup(signal?: AbortSignal): Promise<number> {
    let removed = 0
    for await (const tenant of deps.tenants()) {
      if (signal?.aborted === true) throw annalsError('Cancelled', { what: 'the cleanup' })
      removed += await run((await deps.exportingOf(tenant)).fp.exports.cleanup())
    }
    return removed
  }

  async function look(): Promise<void> {
    let token: string | undefined
    do {
      const page = await run(pointers.query({ pk: exportsPk, limit: perPage, token }))
      for (const item of page.items) {
        if (!running.hasRoom()) return
        if (heldFrom(item).until <= clock.now() / 1000) await takeUp(item)
      }
      token = page.token
    } while (token !== undefined)
  }

  async function takeUp({ sk }: Item): Promise<void> {
    const [tenant = '', job = ''] = sk.split('#').map(decodeSegment)
    await (await deps.exportingOf(tenant)).takeUp(job)
  }

  function work(options: ExportWorkOptions = {}): { stop(): Promise<void> } {
    const { lookMs = defaultLookMs, cleanupMs = defaultCleanupMs, onFailure = () => undefined } = options
    const stopping = new AbortController()
    const { signal } = stopping
    const guarded = async (step: () => Promise<unknown>): Promise<void> => {
      try {
        await step()
      } catch (error) {
        if (!(signal.aborted && isAnnalsError(error))) onFailure(error)
      }
    }
    const ended = (async () => {
      let cleanedAt = Number.NEGATIVE_INFINITY
      while (!signal.aborted) {
        if (clock.now() - cleanedAt >= cleanupMs * 1000) {
          cleanedAt = clock.now()
          await guarded(() => cleanup(signal))
        }
        await guarded(look)
        await clock.sleep(lookMs, signal)
      }
    })()
    const worker = {
      stop: async () => {
        stopping.abort()
        await ended
        workers.delete(worker)
      },
    }
    workers.add(worker)
    return worker
  }

  const exports: StoreExports = { work, cleanup: () => cleanup() }
  return {
    exports,
    /** Stops every worker. */
    close: async () => void (await Promise.all([...workers].map((worker) => worker.stop()))),
  }
}
