/** `annals verify` and `annals recover`: the checks and the repair of a store. */
import type { Store, VerifyReport } from '../../index.js'
import { exitCodes } from '../exit.js'
import type { AddCommand } from '../program.js'
import { makeProgressBar } from '../progress.js'
import { recoverSummary, recoverTenant } from '../recovery.js'
import { makeSession, type Session, withStore } from '../session.js'
import { settingsOf, tenantsOf } from '../settings.js'
import { plural } from '../text.js'
import { differenceLines, showVerified } from '../verification.js'

const verifyExamples = `  annals verify                                  the chain, every hash, every pointer of a tenant
  annals verify --deep                           also every projected object and index item, both ways
  annals verify --all --json > report.ndjson     every tenant of the store

Exit code 1 if anything differs. Nothing is changed. With --json, one line for each difference
({"tenant","difference":{"kind","key","problem"}}), then one for each tenant ({"tenant","report":{…}}).`

const allFlag = ['--all', 'every tenant of the store'] as const

export const addVerify: AddCommand = (make, surroundings) => {
  make('verify', 'Check every byte and every pointer against the log, and name each difference', verifyExamples)
    .option(...allFlag)
    .option('--deep', 'the projections too: what is missing, stale, different or extra')
    .action(async (flags: { all?: boolean; deep?: boolean }) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const found = await withStore(session, { create: false }, async (store) => {
        let differences = 0
        for await (const tenant of tenantsOf(session, store, flags.all))
          differences += await verify(session, store, tenant, flags.deep === true)
        return differences
      })
      if (found > 0) surroundings.finish(exitCodes.failed)
    })
}

async function verify(session: Session, store: Store, tenant: string, deep: boolean): Promise<number> {
  const bar = makeProgressBar(session)
  const differences = differenceLines(session, tenant, bar)
  let report: VerifyReport
  try {
    report = await store.verify(tenant, {
      deep,
      signal: session.signal,
      onProgress: ({ done, total, events }) =>
        bar.update(done, total, `commit ${done} of ${total}, ${plural(events, 'event')}`),
      onDifference: differences.add,
    })
  } finally {
    bar.stop()
  }
  await differences.written()
  await showVerified(session, tenant, report)
  return report.differences
}

const recoverExamples = `  annals recover                                 rebuild what is folded from the log of a tenant
  annals recover --all                           of every tenant of the store
  annals recover --pointers-only                 leave the projections for 'annals projections run'

The log is the truth. Pointers are rebuilt first, then the projections that the tenant had: 'current-index', and 'objects' as
far as there are any. What was interrupted goes on where it was. Stop all other writers of the tenant first.`

export const addRecover: AddCommand = (make, surroundings) => {
  make('recover', 'Rebuild every pointer and every projection from the log alone', recoverExamples)
    .option(...allFlag)
    .option('--pointers-only', 'rebuild no projections')
    .action(async (flags: { all?: boolean; pointersOnly?: boolean }) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const { out, json } = session
      await withStore(session, { create: false }, async (store) => {
        for await (const tenant of tenantsOf(session, store, flags.all)) {
          const options = flags.pointersOnly === true ? { projections: [] } : {}
          const report = await recoverTenant(session, store, tenant, options)
          await out.line(json ? JSON.stringify({ tenant, ...report }) : recoverSummary(tenant, report))
          if (report.projections.some(({ state }) => state === 'parked')) surroundings.finish(exitCodes.failed)
        }
      })
    })
}
