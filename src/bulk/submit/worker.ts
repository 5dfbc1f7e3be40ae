/**
 * Workers on submissions: processes that process whatever there is to do, of all tenants, and go on with what others have left. Which
 * submissions that may be is one query: each has an item from when it is given work until it has none.
 */
import { decodeSegment, submissionSk, submissionsPk, submissionsSkPrefix } from '../../../domain/keys.js'
import type { Clock, Item, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { everyItem } from '../../../domain/walk.js'
import { makePlaces, nextOf, type Waiting } from '../turns.js'
import { type BulkWorker, type BulkWorkOptions, type Guard, type Look, makeBulkWorkers } from '../workers.js'
import type { SubmissionName, Submissions } from './api.js'

export interface SubmissionWorkOptions extends BulkWorkOptions {
  /** Submissions that this worker processes at a time (default 2). */
  readonly width?: number
}

export interface StoreSubmissions {
  /** Processes the submissions of all tenants until it is stopped. */
  work(options?: SubmissionWorkOptions): BulkWorker
}

/** Says that there is something to do, so that any process finds it. */
export async function offer(pointers: PointerStore, tenant: string, name: SubmissionName): Promise<void> {
  const key = { pk: submissionsPk, sk: submissionSk(tenant, name.submitter, name.submission) }
  for (;;) {
    const held = await run(pointers.get(key.pk, key.sk))
    // Whoever has looked before finds that it has moved, and leaves it.
    if ((await run(pointers.compareAndSet({ ...key, attributes: {} }, held?.rev ?? 0))).done) return
  }
}

/** How many of a tenant are offered. */
export async function offered(pointers: PointerStore, tenant: string): Promise<number> {
  let number = 0
  for await (const _ of everyItem(pointers, submissionsPk, submissionsSkPrefix(tenant))) number++
  return number
}

const defaultWidth = 2

interface Offered extends Waiting {
  readonly item: Item
}

export interface SubmissionWorkersDeps {
  readonly pointers: PointerStore
  readonly clock: Clock
  submissionsOf(tenant: string): Promise<Submissions>
}

export function makeSubmissionWorkers({ pointers, clock, submissionsOf }: SubmissionWorkersDeps) {
  const workers = makeBulkWorkers(clock)

  async function process({ tenant, item }: Offered, signal: AbortSignal): Promise<void> {
    const { pk, sk, rev = 0 } = item
    const [, submitter = '', submission = ''] = sk.split('#').map(decodeSegment)
    const submissions = await submissionsOf(tenant)
    const { hasWork } = await submissions.process({ submitter, submission }, { signal, wait: false })
    if (!hasWork) await pointers.transact([{ kind: 'delete', pk, sk, expected: rev }])()
  }

  function work({ width = defaultWidth, ...options }: SubmissionWorkOptions = {}): BulkWorker {
    /** The keys of what was found, and is not done with. */
    const found = new Set<string>()
    const waiting: Offered[] = []
    const places = makePlaces()
    const busy = new Set<Promise<void>>()

    /** One after the other, as long as any waits: what is found meanwhile does not wait for all that was found before. */
    async function processAll(guarded: Guard, signal: AbortSignal): Promise<void> {
      for (;;) {
        const next = nextOf(waiting, places.has)
        if (next === undefined) return
        places.take(next.tenant)
        if (!signal.aborted) await guarded(() => process(next, signal))
        places.leave(next.tenant)
        found.delete(next.item.sk)
      }
    }

    const look: Look = async (guarded, signal) => {
      for await (const item of everyItem(pointers, submissionsPk)) {
        if (found.has(item.sk)) continue
        found.add(item.sk)
        waiting.push({ tenant: decodeSegment(item.sk.split('#')[0] as string), item })
      }
      while (busy.size < width && waiting.length > 0) {
        const one: Promise<void> = processAll(guarded, signal).finally(() => busy.delete(one))
        busy.add(one)
      }
    }
    return workers.begin(options, look, async () => void (await Promise.all(busy)))
  }

  return { submissions: { work } satisfies StoreSubmissions, close: workers.close }
}
