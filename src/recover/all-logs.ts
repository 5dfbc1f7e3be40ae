/** Recovery and verification of a tenant: of each of its logs, one after the other, with one report. */
import type {
  CheckOptions,
  PointersReport,
  RecoverOptions,
  RecoverReport,
  VerifyOptions,
  VerifyReport,
} from '../api.js'
import type { DefinedProjection } from '../project/definition.js'
import type { Projections } from '../project/projections.js'
import { tracesOf } from '../project/traces.js'
import type { Adapters } from '../store.js'
import type { StoredLog } from '../stored-logs.js'
import { recoverLog } from './recover.js'
import { verifyLog } from './verify.js'

export async function recoverTenant(
  adapters: Adapters,
  logs: ReadonlyArray<StoredLog>,
  projections: Pick<Projections, 'rebuild'>,
  options: RecoverOptions = {},
): Promise<RecoverReport> {
  const found = options.projections ?? (await tracesOfAll(logs))
  const report = await oneAfterTheOther<PointersReport>(
    logs,
    options,
    { commits: 0, events: 0, items: 0 },
    (log, options) => recoverLog({ ...adapters, ...log }, options),
  )
  const run = { signal: options.signal, onProgress: options.onProjection }
  const rebuilt = await Promise.all(found.map((each) => projections.rebuild((logs[0] as StoredLog).tenant, each, run)))
  return { ...report, projections: rebuilt.flat() }
}

export const verifyTenant = (
  adapters: Adapters,
  logs: ReadonlyArray<StoredLog>,
  options: VerifyOptions = {},
): Promise<VerifyReport> =>
  oneAfterTheOther<VerifyReport>(
    logs,
    options,
    { commits: 0, events: 0, bodies: 0, items: 0, projected: 0, differences: 0 },
    (log, progress) => verifyLog({ ...adapters, ...log }, { ...options, ...progress }),
  )

/** A projection of one log is one of all. */
async function tracesOfAll(logs: ReadonlyArray<StoredLog>): Promise<ReadonlyArray<DefinedProjection>> {
  const found = new Map<string, DefinedProjection>()
  for (const log of logs) for (const each of await tracesOf(log)) found.set(each.name, found.get(each.name) ?? each)
  return [...found.values()]
}

type Counted<R> = { readonly [K in keyof R]: number } & { readonly commits: number; readonly events: number }

/** Adds up what each log reports. How many commits later logs have is not known before their turn. */
async function oneAfterTheOther<R extends Counted<R>>(
  logs: ReadonlyArray<StoredLog>,
  { signal, onProgress }: CheckOptions,
  nothing: R,
  step: (log: StoredLog, options: CheckOptions) => Promise<R>,
): Promise<R> {
  let sum = nothing
  for (const log of logs) {
    const { commits, events } = sum
    const report = await step(log, {
      signal,
      onProgress: (progress) =>
        onProgress?.({
          done: commits + progress.done,
          total: commits + progress.total,
          events: events + progress.events,
        }),
    })
    const added = (Object.keys(report) as (keyof R)[]).map((key) => [key, Number(sum[key]) + Number(report[key])])
    sum = Object.fromEntries(added) as R
  }
  return sum
}
