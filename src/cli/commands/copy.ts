/** `annals copy`: a backup, a move to another kind of storage, or a standby that follows. */
import { setTimeout } from 'node:timers/promises'
import { Option } from 'commander'
import type { CopyReport, Store } from '../../index.js'
import { type CopyBar, makeCopyBar } from '../copy/progress.js'
import { followAll } from '../copy/standbys.js'
import { exitCodes } from '../exit.js'
import { usage } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Session, withStore } from '../session.js'
import { settingsOf, tenantsOf } from '../settings.js'
import { grouped, humanBytes, humanTime, plural } from '../text.js'
import { differenceLines, showVerified } from '../verification.js'

interface Flags {
  readonly all?: boolean
  readonly follow?: boolean
  readonly verify?: boolean
}

const examples = `  annals copy 's3://my-records?table=annals'                           a folder's tenant to S3
  annals copy file:/backup/annals --all --store 's3://my-records?table=annals'
                                                                       every tenant from S3 to a folder
  annals copy file:/backup/annals --all                                again tomorrow: only what is new
  annals copy file:/backup/annals --verify                             and check every byte of the copy
  annals copy 's3://my-standby?table=standby' --all --follow           a standby, until Ctrl-C
  annals copy file:./annals-data --store file:/backup/annals           restore: copy back

The destination is created where there is none. It gets the log, commit by commit and byte for byte, and pointers of its own, so
it can be read at once; nobody else may write to its tenants. Each commit is checked before it is written: damage in the source
ends the copy there. What was interrupted goes on where it ended. A destination that is no earlier state of the source is refused
(exit code 1), and so are differences that --verify finds.
With --json, a line for each tenant: {"tenant","commits","events","bytes","blobs","from","to"}, and with --verify the lines of
'annals verify'.`

export const addCopy: AddCommand = (make, surroundings) => {
  make('copy <destination>', 'Copy a tenant into another store: only what is new there, checked', examples)
    .alias('backup')
    .option('--all', 'every tenant of the store')
    .option('--follow', 'go on with new commits as they come')
    .addOption(new Option('--verify', 'check every byte and every pointer of the destination').conflicts('follow'))
    .action(async (destination: string, flags: Flags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      if (destination === session.store) throw usage('the destination is the store itself; name another one')
      const found = await withStore(session, { create: false }, (from) =>
        // Nobody else writes there, so lost pointers may be rebuilt.
        withStore({ ...session, store: destination }, { create: true, recover: true }, (to) =>
          copyTenants(session, from, to, flags),
        ),
      )
      if (found > 0) surroundings.finish(exitCodes.failed)
    })
}

/** Answers how many differences were found at the destination. */
async function copyTenants(session: Session, from: Store, to: Store, flags: Flags): Promise<number> {
  const { signal } = session
  const bar = makeCopyBar(session)
  let differences = 0
  try {
    if (flags.all === true && flags.follow === true)
      await followAll({
        tenants: from.tenants,
        follow: async (tenant, stop) =>
          void (await copyTenant({ ...session, signal: stop }, from, to, tenant, flags, bar)),
        sleep: (ms, stop) => setTimeout(ms, undefined, { signal: stop }).catch(() => undefined),
        signal,
      })
    else
      for await (const tenant of tenantsOf(session, from, flags.all))
        differences += await copyTenant(session, from, to, tenant, flags, bar)
  } finally {
    bar.stop()
    if (signal.aborted) session.note('stopped; the same command goes on from here')
  }
  return differences
}

async function copyTenant(
  session: Session,
  from: Store,
  to: Store,
  tenant: string,
  { follow, verify }: Flags,
  bar: CopyBar,
): Promise<number> {
  const { out, json, signal } = session
  const started = performance.now()
  const differences = differenceLines(session, tenant, bar)
  const { verified, ...report } = await from.copy(tenant, to, {
    follow,
    verify,
    signal,
    onProgress: (progress) => bar.update(tenant, progress),
    onDifference: differences.add,
  })
  bar.clear()
  await out.line(json ? JSON.stringify({ tenant, ...report }) : summary(tenant, report, performance.now() - started))
  await differences.written()
  if (verified === undefined) return 0
  await showVerified(session, tenant, verified)
  return verified.differences
}

function summary(tenant: string, { commits, events, bytes, from, to }: CopyReport, ms: number): string {
  if (commits === 0) return `copied '${tenant}': nothing new, the destination is at commit ${grouped(to)}`
  const which = `${plural(commits, 'commit')} (${grouped(from)} to ${grouped(to)})`
  return `copied '${tenant}': ${which}, ${plural(events, 'event')}, ${humanBytes(bytes)} in ${humanTime(ms)}`
}
