/** Opens the store for a command and closes it again, whatever happens between. */
import { createInterface } from 'node:readline'
import {
  type AnnalsError,
  isAnnalsError,
  type Limits,
  type OpenOptions,
  openStore,
  type Store,
  type Tenant,
  type TenantOptions,
} from '../index.js'
import { usage } from './failure.js'
import { type Colors, colorsFor, type Io } from './io.js'
import type { Output } from './output.js'
import { recoverTenant } from './recovery.js'
import type { Settings } from './settings.js'

/** What a command works with. */
export interface Session extends Settings {
  readonly io: Io
  readonly out: Output
  readonly colors: Colors
  readonly signal: AbortSignal
  /** Says something to the user that is no result. Silent with `--json`. */
  note(text: string): void
}

export interface Surroundings {
  readonly io: Io
  readonly out: Output
  readonly signal: AbortSignal
  /** Sets an exit code other than 0 for a command that did come to its end. */
  readonly finish: (exitCode: number) => void
  /** For a command that ends only by being stopped: its exit code is its own then, and not that of an interruption. */
  readonly endsWhenStopped: () => void
  /** For messages that name a command to run: the store and the tenant, where a file names them. */
  readonly worksAt: (place: Pick<Settings, 'store' | 'tenant'>) => void
}

export const makeSession = ({ io, out, signal }: Surroundings, settings: Settings): Session => ({
  ...settings,
  io,
  out,
  signal,
  colors: colorsFor(io, io.stdout),
  note: (text) => {
    if (!settings.json) io.stderr.write(`${text}\n`)
  },
})

export interface Opening extends TenantOptions {
  /** Creates the store and the tenant where there is none. */
  readonly create: boolean
  readonly limits?: Partial<Limits>
  readonly sources?: OpenOptions['sources']
  /** Rebuilds pointers that are gone, without asking. */
  readonly recover?: boolean
}

/** For what concerns all logs of a tenant, or all tenants. */
export function withStore<A>(session: Session, opening: Opening, use: (store: Store) => Promise<A>): Promise<A> {
  if (session.partition !== undefined) throw usage('this is for all logs of a tenant: leave out --partition')
  return whileOpen(session, opening, use)
}

async function whileOpen<A>(
  session: Session,
  { create, limits, recover, sources }: Opening,
  use: (store: Store) => Promise<A>,
): Promise<A> {
  const store = await openStore(session.store, { create, limits, recover, sources })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** Opens store and tenant. Pointers that are gone are rebuilt if a person at a terminal says so. */
export async function withTenant<A>(
  session: Session,
  opening: Opening,
  use: (tenant: Tenant, store: Store) => Promise<A>,
): Promise<A> {
  let asked = false
  for (;;)
    try {
      return await whileOpen(session, opening, async (store) => {
        const tenant = await store.tenant(session.tenant, opening)
        asked = true
        return use(logOf(tenant, session.partition), store)
      })
    } catch (error) {
      if (asked || !needsRecovery(error) || !canAsk(session)) throw error
      asked = true
      if (!(await confirm(session, `${error.message.split(';')[0]}. Rebuild the pointers from the log now?`)))
        throw error
      await whileOpen(session, { create: false }, (store) => recoverTenant(session, store, session.tenant))
    }
}

/** The tenant, or the one of its logs that is asked for. */
function logOf(tenant: Tenant, partition: number | undefined): Tenant {
  if (partition === undefined) return tenant
  const log = tenant.partitions[partition]
  if (log !== undefined) return log
  const last = tenant.partitions.length - 1
  throw usage(`'${tenant.name}' has no log ${partition}: ${last === 0 ? 'it has one, 0' : `they are 0 to ${last}`}`)
}

const needsRecovery = (error: unknown): error is AnnalsError => isAnnalsError(error) && error._tag === 'NeedsRecovery'

/** Only for a store of one machine: elsewhere other writers may be at work, and recovery is an operator's decision. */
const canAsk = ({ io, json, store }: Session): boolean =>
  !json && store.startsWith('file:') && io.stdin.isTTY === true && io.stderr.isTTY === true

function confirm({ io, signal }: Session, question: string): Promise<boolean> {
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  return new Promise((resolve) => {
    const answer = (yes: boolean): void => {
      // First: closing answers no.
      resolve(yes)
      lines.close()
    }
    lines.on('close', () => resolve(false))
    signal.addEventListener('abort', () => answer(false), { once: true })
    lines.question(`${question} [y/N] `, (text) => answer(/^y(es)?$/i.test(text.trim())))
  })
}
