/**
 * Workers on submissions: processes that process whatever there is to do, of all tenants, and go on with what others have left. Which
 * submissions that may be is one query: each has an item from when it is given work until it has none.
 */
import { isAnnalsError } from '../../../domain/error.js'
import { decodeSegment, submissionSk, submissionsPk } from '../../../domain/keys.js'
import type { Clock, Item, PointerStore } from '../../../domain/ports/index.js'
import { mapBounded, run } from '../../../domain/task.js'
import type { SubmissionName, Submissions } from './api.js'

export interface SubmissionWorkOptions {
  /** How often to look for submissions that somebody has to work on, in milliseconds (default 5,000). */
  readonly lookMs?: number
  /** Submissions that this worker processes at a time (default 2). */
  readonly width?: number
  /** Hears what goes wrong; the worker goes on. */
  readonly onFailure?: (error: unknown) => void
}

export interface SubmissionWorker {
  /** Looks at once: something was added. */
  wake(): void
  /** Resolves when what it was doing is left, to be gone on with. */
  stop(): Promise<void>
}

export interface StoreSubmissions {
  /** Processes the submissions of all tenants until it is stopped. */
  work(options?: SubmissionWorkOptions): SubmissionWorker
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

const perPage = 1_000

export function makeSubmissionWorkers(deps: {
  readonly pointers: PointerStore
  readonly clock: Clock
  submissionsOf(tenant: string): Promise<Submissions>
}) {
  const { pointers, clock } = deps
  const workers = new Set<SubmissionWorker>()

  async function found(): Promise<Item[]> {
    const items: Item[] = []
    let token: string | undefined
    do {
      const page = await run(pointers.query({ pk: submissionsPk, limit: perPage, token }))
      items.push(...page.items)
      token = page.token
    } while (token !== undefined)
    return items
  }

  async function process({ pk, sk, rev = 0 }: Item, signal: AbortSignal): Promise<void> {
    const [tenant = '', submitter = '', submission = ''] = sk.split('#').map(decodeSegment)
    const submissions = await deps.submissionsOf(tenant)
    const { hasWork } = await submissions.process({ submitter, submission }, { signal, wait: false })
    if (!hasWork) await pointers.transact([{ kind: 'delete', pk, sk, expected: rev }])()
  }

  function work(options: SubmissionWorkOptions = {}): SubmissionWorker {
    const { lookMs = 5_000, width = 2, onFailure = () => undefined } = options
    const stopping = new AbortController()
    const { signal } = stopping
    let waking = new AbortController()
    const guarded = async (step: () => Promise<unknown>): Promise<void> => {
      try {
        await step()
      } catch (error) {
        if (!(signal.aborted && isAnnalsError(error))) onFailure(error)
      }
    }
    const ended = (async () => {
      while (!signal.aborted) {
        waking = new AbortController()
        await guarded(async () => {
          await mapBounded(await found(), width, (item) => guarded(() => process(item, signal)))
        })
        await clock.sleep(lookMs, AbortSignal.any([signal, waking.signal]))
      }
    })()
    const worker: SubmissionWorker = {
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

  const submissions: StoreSubmissions = { work }
  return {
    submissions,
    /** Stops every worker. */
    close: async () => void (await Promise.all([...workers].map((worker) => worker.stop()))),
  }
}
