/**
 * Workers on exports: processes that go on with what others have left, and remove what has expired. Which exports nobody works on
 * is one query, whatever the number of tenants.
 */
import { decodeSegment, exportsPk } from '../../../domain/keys.js'
import type { Clock, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { everyItem } from '../../../domain/walk.js'
import { isHeld } from '../../lease.js'
import { forEachOf } from '../each.js'
import { type BulkWorker, type BulkWorkOptions, type Guard, makeBulkWorkers } from '../workers.js'
import type { Exporting } from './exports.js'
import type { RunningExports } from './running.js'

export interface ExportWorkOptions extends BulkWorkOptions {
  /** How often to remove what has expired, of all tenants, in milliseconds (default 10 minutes); first at once. */
  readonly cleanupMs?: number
}

export interface StoreExports {
  /** Goes on with the exports of all tenants that nobody works on, and removes expired ones, until it is stopped. */
  work(options?: ExportWorkOptions): BulkWorker
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

const defaultCleanupMs = 600_000

export function makeExportWorkers({ pointers, clock, running, tenants, exportingOf }: ExportWorkersDeps) {
  const workers = makeBulkWorkers(clock)

  async function cleanup(signal?: AbortSignal): Promise<number> {
    let removed = 0
    const clean = async (tenant: string): Promise<void> => {
      removed += await run((await exportingOf(tenant)).fp.exports.cleanup())
    }
    await forEachOf(tenants(), clean, signal)
    return removed
  }

  async function takeUpAll(guarded: Guard): Promise<void> {
    for await (const item of everyItem(pointers, exportsPk)) {
      if (!running.hasRoom()) return
      if (isHeld(item, clock)) continue
      const [tenant = '', job = ''] = item.sk.split('#').map(decodeSegment)
      await guarded(async () => (await exportingOf(tenant)).takeUp(job))
    }
  }

  function work({ cleanupMs = defaultCleanupMs, ...options }: ExportWorkOptions = {}): BulkWorker {
    let cleanedAt = Number.NEGATIVE_INFINITY
    return workers.begin(options, async (guarded, signal) => {
      if (clock.now() - cleanedAt >= cleanupMs * 1000) {
        cleanedAt = clock.now()
        await guarded(() => cleanup(signal))
      }
      await takeUpAll(guarded)
    })
  }

  const exports: StoreExports = { work, cleanup: () => cleanup() }
  return { exports, close: workers.close }
}
