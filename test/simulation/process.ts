/** A process: one store over the shared storage, with a clock and chance of its own, until it is closed or crashes. */
import { type Either, isLeft } from 'fp-ts/lib/Either.js'
import { memoryDoorbell } from '../../adapters/memory/index.js'
import type { AnnalsError } from '../../domain/error.js'
import type { Clock, Ids, Item } from '../../domain/ports/index.js'
import { makeStore, type Store, type Tenant } from '../../src/store.js'
import { violate } from './call.js'
import type { PortCall } from './faults.js'
import { type Caller, simulatedBlobs, simulatedPointers } from './ports.js'
import type { Random } from './random.js'
import type { World } from './world.js'

export const tenantName = 'sim'

/** What a promise becomes whose process is gone. */
export const gone = Symbol('the process is gone')

export class Process implements Caller {
  phase: 'opening' | 'open' | 'closing' | 'down' = 'opening'
  store?: Store
  private opened?: Tenant
  /** The commits that it tried to write. */
  private readonly own = new Set<string>()
  private readonly random: Random
  private readonly crashed: Promise<typeof gone>
  private readonly end: () => void
  private readonly skew: number
  private writes = 0

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {
    this.random = world.random.fork()
    this.skew = this.random.between(-200_000, 200_000)
    let end: () => void = () => undefined
    this.crashed = new Promise((resolve) => {
      end = () => resolve(gone)
    })
    this.end = end
  }

  get alive(): boolean {
    return this.phase !== 'down'
  }

  get tenant(): Tenant {
    if (this.opened === undefined) throw new TypeError(`${this.name} is not open`)
    return this.opened
  }

  async open(recover: boolean): Promise<void> {
    await this.start(recover)
    const { kind, shards } = this.world.profile
    this.opened = await (this.store as Store).tenant(tenantName, { kind, shards })
    this.phase = 'open'
    this.world.count('openings')
  }

  /** The store alone, without a tenant: as the recovering operator has it. */
  async start(recover = false): Promise<void> {
    const { profile } = this.world
    const adapters = {
      url: 'simulation:',
      blobs: simulatedBlobs(this.world, this),
      pointers: simulatedPointers(this.world, this),
      doorbell: memoryDoorbell(),
      clock: this.clock(),
      ids: this.ids(),
      baton: profile.baton,
      pollMs: 1_000,
      pointersLost: false,
      close: async () => undefined,
    }
    this.store = await makeStore(adapters, { limits: profile.limits, create: true, recover })
  }

  /** Waits for what the process does; the answer is `gone` if it crashes meanwhile. */
  during<A>(promise: Promise<A>): Promise<A | typeof gone> {
    return Promise.race([promise, this.crashed])
  }

  /** The same for a write, which has to be answered before the store is closed. */
  async writing<A>(promise: Promise<A>): Promise<A | typeof gone> {
    this.writes++
    const answer = await this.during(promise)
    this.writes--
    return answer
  }

  crash(): void {
    const { world, name } = this
    world.count('crashes')
    world.note(`  crash of ${name}`)
    this.halt()
    // What it had sent may have left the machine, or not.
    for (const step of world.scheduler.take(name)) if (world.random.chance(0.5)) step.orphan?.()
  }

  /** Ends without further ado, after it could not be opened. */
  abandon(): void {
    this.halt()
    this.world.scheduler.take(this.name)
  }

  async recover(): Promise<void> {
    await this.start()
    await (this.store as Store).recover(tenantName)
  }

  /** Finishes what it has accepted, and ends. */
  async close(): Promise<void> {
    this.world.note(`  close of ${this.name}`)
    this.phase = 'closing'
    if ((await this.during((this.store as Store).close())) === gone) return
    if ((await this.during(this.world.scheduler.pause(this.name, 'is closed', 0))) === gone) return
    if (this.writes > 0) violate(`${this.name} is closed, and ${this.writes} writes are not answered`)
    this.world.count('closes')
    this.halt()
    this.world.scheduler.take(this.name)
  }

  private halt(): void {
    this.phase = 'down'
    this.end()
  }

  done(call: PortCall, answer: Either<AnnalsError, unknown>): void {
    if (isLeft(answer) || call.operation !== 'advance' || answer.right !== 'advanced') return
    const seq = Number(call.key.split(' ')[1])
    const id = this.world.truth.commits[seq - 1]?.header.id ?? ''
    if (!this.own.has(id)) this.world.count(this.phase === 'opening' ? 'commits healed on opening' : 'commits helped')
  }

  heard(call: PortCall, answer: Either<AnnalsError, unknown>, sent?: Uint8Array): void {
    if (sent === undefined || !call.key.includes('/log/')) return
    const { id, seq } = JSON.parse(Buffer.from(sent).toString().split('\n', 1)[0] as string) as Item['attributes']
    this.own.add(id as string)
    if (isLeft(answer) || answer.right !== 'exists') return
    const occupant = this.world.truth.commits[(seq as number) - 1]?.header.id
    this.world.count(occupant === id ? 'own commits adopted after exists' : 'races lost')
  }

  private clock(): Clock {
    const { scheduler } = this.world
    return {
      now: () => scheduler.now() + this.skew,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (!this.alive) return
          if (signal?.aborted === true) return resolve()
          const readyAt = scheduler.now() + ms * 1000
          const step = { owner: this.name, name: 'sleeps', readyAt, run: () => wake() }
          const wake = (): void => {
            scheduler.remove(step)
            signal?.removeEventListener('abort', wake)
            resolve()
          }
          scheduler.add(step)
          signal?.addEventListener('abort', wake)
        }),
    }
  }

  private ids(): Ids {
    const { random } = this
    const hex = (digits: number): string => Array.from({ length: digits }, () => random.below(16).toString(16)).join('')
    return {
      uuid: () => `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`,
      random: random.next,
    }
  }
}
