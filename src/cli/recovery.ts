/** Rebuilding the pointers of a tenant, with its progress: for `recover`, and for commands that find them gone. */
import type { RecoverReport, Store } from '../index.js'
import { makeProgressBar } from './progress.js'
import type { Session } from './session.js'
import { plural } from './text.js'

export async function recoverTenant(session: Session, store: Store, tenant: string): Promise<RecoverReport> {
  const bar = makeProgressBar(session)
  try {
    return await store.recover(tenant, {
      signal: session.signal,
      onProgress: ({ done, total, events }) =>
        bar.update(done, total, `commit ${done} of ${total}, ${plural(events, 'event')}`),
    })
  } finally {
    bar.stop()
  }
}

export const recoverSummary = (tenant: string, { commits, events, items }: RecoverReport): string =>
  `recovered '${tenant}': ${plural(commits, 'commit')}, ${plural(events, 'event')}, ${plural(items, 'pointer item')} rebuilt`
