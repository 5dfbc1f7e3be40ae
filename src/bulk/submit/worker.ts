/**
 * Workers on submissions: processes that process whatever there is to do, of all tenants, and go on with what others have left. Which
 * submissions that may be is one query: each has an item from when it is given work until it has none.
 */
import { decodeSegment, submissionSk, submissionsPk } from '../../../domain/keys.js'
import type { Clock, Item, PointerStore } from '../../../domain/ports/index.js'
import { mapBounded, run } from '../../../domain/task.js'
import { everyItem } from '../../../domain/walk.js'
import { type BulkWorker, type BulkWorkOptions, makeBulkWorkers } from '../workers.js'
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

const defaultWidth = 2

export interface SubmissionWorkersDeps {
  readonly pointers: PointerStore
  readonly clock: Clock
  submissionsOf(tenant: string): Promise<Submissions>
}

export function makeSubmissionWorkers({ pointers, clock, submissionsOf }: SubmissionWorkersDeps) {
  const workers = makeBulkWorkers(clock)

  async function process({ pk, sk, rev = 0 }: Item, signal: AbortSignal): Promise<void> {
    const [tenant = '', submitter = '', submission = ''] = sk.split('#').map(decodeSegment)
    const submissions = await submissionsOf(tenant)
    const { hasWork } = await submissions.process({ submitter, submission }, { signal, wait: false })
    if (!hasWork) await pointers.transact([{ kind: 'delete', pk, sk, expected: rev }])()
  }

  const submissions: StoreSubmissions = {
    work: ({ width = defaultWidth, ...options } = {}) =>
      workers.begin(options, async (guarded, signal) => {
        const offered: Item[] = []
        for await (const item of everyItem(pointers, submissionsPk)) offered.push(item)
        await mapBounded(offered, width, (item) => guarded(() => process(item, signal)))
      }),
  }
  return { submissions, close: workers.close }
}
