/** Rebuilding what is folded from the log of a tenant, with its progress: for `recover`, and for commands that find them gone. */
import type { RecoverOptions, RecoverReport, Store } from '../index.js'
import { makeProgressBar } from './progress.js'
import type { Session } from './session.js'
import { plural } from './text.js'

export async function recoverTenant(
  session: Session,
  store: Store,
  tenant: string,
  options: Pick<RecoverOptions, 'projections'> = {},
): Promise<RecoverReport> {
  const bar = makeProgressBar(session)
  try {
    return await store.recover(tenant, {
      ...options,
      signal: session.signal,
      onProgress: ({ done, total, events }) =>
        bar.update(done, total, `commit ${done} of ${total}, ${plural(events, 'event')}`),
      onProjection: ({ projection, done, total, events }) =>
        bar.update(done, total, `${projection}: commit ${done} of ${total}, ${plural(events, 'event')}`),
    })
  } finally {
    bar.stop()
  }
}

export const recoverSummary = (tenant: string, { commits, events, items, projections }: RecoverReport): string =>
  [
    `recovered '${tenant}': ${plural(commits, 'commit')}, ${plural(events, 'event')}, ${plural(items, 'pointer item')} rebuilt`,
    ...projections.map(
      ({ name, state, seq }) => `${name} ${state === 'running' ? 'rebuilt' : state} up to commit ${seq}`,
    ),
  ].join('; ')
