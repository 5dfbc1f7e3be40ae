/** One world of memory ports that several stores share, each through a script of its own. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { memoryBlobStore, memoryDoorbell, memoryPointerStore } from '../../adapters/memory/index.js'
import { isAnnalsError } from '../../domain/error.js'
import type { BlobStore, Doorbell, Ids, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { defaultLimits, type Limits } from '../../src/limits.js'
import { makeStore, type Store, type Tenant } from '../../src/store.js'
import type { BatonOptions } from '../../src/write/baton.js'
import { type HandClock, handClock } from './hand-clock.js'
import { makeScript, type Script, scriptedBlobs, scriptedPointers } from './script.js'

export interface World {
  readonly clock: HandClock
  /** The ports themselves, which follow no script. */
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  open(options?: SiteOptions): Promise<Site>
  /** A store with the tenant `t` of plain JSON open. */
  enter(options?: SiteOptions): Promise<Site & { readonly tenant: Tenant }>
  /** Every item of the pointer store that a log makes, by its keys: not the leases. */
  dump(): Promise<Map<string, Pick<Item, 'attributes' | 'expiresAt'>>>
  /** Lets an object disappear, as no port could. */
  lose(key: string): void
  /** Replaces an object, whatever it is. */
  damage(key: string, change: (bytes: Buffer) => Uint8Array): Promise<void>
}

/** One store in the world: a process of its own. */
export interface Site {
  readonly store: Store
  readonly blobs: Script
  readonly pointers: Script
}

export interface SiteOptions {
  readonly limits?: Partial<Limits>
  readonly baton?: Partial<BatonOptions>
  readonly recover?: boolean
  /** Default: one that other sites do not hear. */
  readonly doorbell?: Doorbell
}

export const kind = 'json'
export const logObject = (seq: number): string => `t/log/0/${String(seq).padStart(20, '0')}.ndjson`
export const logs = /^t\/log\//
export const headItem = /^H#/
export const pointersOf = (type: string, id: string): RegExp => new RegExp(`^V#t#${type}/${id}\\b`)

/** The baton is looked for once a minute, so that uncontended writers are not seen to ask for it. */
const baton: BatonOptions = { leaseMs: 1_000, turnMs: 0, pollMs: 5, lookMs: 60_000 }

/** `shards`: of the tenant `t`, where it is made by `enter`. */
export function makeWorld({ shards }: { readonly shards?: number } = {}): World {
  const clock = handClock()
  const lost = new Set<string>()
  const blobs = withLosses(memoryBlobStore(), lost)
  const pointers = memoryPointerStore({ clock })
  const ids = countingIds()

  async function open(options: SiteOptions = {}): Promise<Site> {
    const scripts = { blobs: makeScript(), pointers: makeScript() }
    const store = await makeStore(
      {
        url: 'memory:',
        blobs: scriptedBlobs(blobs, scripts.blobs),
        pointers: scriptedPointers(pointers, scripts.pointers),
        doorbell: options.doorbell ?? memoryDoorbell(),
        clock,
        ids,
        baton: { ...baton, ...options.baton },
        pollMs: 1_000,
        pointersLost: false,
        close: async () => undefined,
      },
      { create: true, recover: options.recover ?? false, limits: { ...defaultLimits, ...options.limits } },
    )
    return { store, ...scripts }
  }

  return {
    clock,
    blobs,
    pointers,
    open,
    async enter(options) {
      const site = await open(options)
      return { ...site, tenant: await site.store.tenant('t', { kind, shards }) }
    },
    async dump() {
      const items = new Map<string, Pick<Item, 'attributes' | 'expiresAt'>>()
      let token: string | undefined
      do {
        const page = await run(pointers.scan({ pkPrefixes: [''], limit: 500, token }))
        for (const { pk, sk, attributes, expiresAt } of page.items)
          if (!/^[LC]#/.test(pk))
            items.set(`${pk} ${sk}`, { attributes, ...(expiresAt === undefined ? undefined : { expiresAt }) })
        token = page.token
      } while (token !== undefined)
      return items
    },
    lose: (key) => void lost.add(key),
    async damage(key, change) {
      const found = await run(blobs.get(key))
      if (found === undefined) throw new Error(`there is no ${key} to damage`)
      await run(blobs.put(key, change(Buffer.from(found.bytes))))
    },
  }
}

function withLosses(blobs: BlobStore, lost: ReadonlySet<string>): BlobStore {
  const absent = async () => ({ _tag: 'Right', right: undefined }) as const
  return {
    ...blobs,
    get: (key, range) => (lost.has(key) ? absent : blobs.get(key, range)),
    head: (key) => (lost.has(key) ? absent : blobs.head(key)),
    list: (prefix, { after, limit }) =>
      pipe(
        blobs.list(prefix, { after, limit: limit + lost.size }),
        TE.map((page) => {
          const entries = page.entries.filter(({ key }) => !lost.has(key))
          return { entries: entries.slice(0, limit), more: page.more || entries.length > limit }
        }),
      ),
  }
}

function countingIds(): Ids {
  let made = 0
  return {
    uuid: () => `01932a1b-0000-7000-8000-${String(++made).padStart(12, '0')}`,
    random: () => 0.5,
  }
}

/** What a promise came to: its value, or the tag of its error. */
export async function outcome<A>(promise: Promise<A>): Promise<A | string> {
  try {
    return await promise
  } catch (error) {
    if (isAnnalsError(error)) return error._tag
    throw error
  }
}

/** The typed error that a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<import('../../domain/error.js').AnnalsError> {
  try {
    await promise
  } catch (error) {
    if (isAnnalsError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** Every version of a tenant with its body, oldest first: what the log holds. */
export async function contents(tenant: Tenant): Promise<string[]> {
  const found: string[] = []
  for await (const commit of tenant.commits())
    for (const { events } of commit.transactions)
      for (const event of events)
        found.push(`${event.type}/${event.id}@${event.version} ${event.deleted ? 'deleted' : event.text()}`)
  return found
}

export const text = async (tenant: Pick<Tenant, 'read'>, type: string, id: string): Promise<string | undefined> =>
  (await tenant.read(type, id))?.text()
