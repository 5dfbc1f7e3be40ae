/** The processes, and what befalls them: they crash, are closed and started again; the pointer store is restored or lost. */
import type { AnnalsError } from '../../domain/error.js'
import { headPk, headSk } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { violate } from './call.js'
import { lateOwners } from './ports.js'
import { gone, Process, tenantName } from './process.js'
import type { Random } from './random.js'
import { backUp, type World } from './world.js'

/** Backups of the pointer store that are kept. */
const maxBackups = 4

export class Cluster {
  private readonly slots: Process[] = []
  private readonly random: Random
  private readonly backups: Array<ReadonlyArray<Item>> = []
  private readonly due: Array<{ readonly step: number; readonly kind: 'restore' | 'lose' }> = []
  private operator?: Process
  private maintained = false
  private generations = 0
  private tasks = 0
  /** Clients that wait until a process is open. */
  private waiting: Array<() => void> = []

  constructor(private readonly world: World) {
    this.random = world.random.fork()
    const { restoreAt, loseAt } = world.profile
    if (restoreAt !== undefined) this.due.push({ step: restoreAt, kind: 'restore' })
    if (loseAt !== undefined) this.due.push({ step: loseAt, kind: 'lose' })
  }

  start(): void {
    for (let slot = 0; slot < this.world.profile.stores; slot++) this.spawn(this.boot(slot))
  }

  get names(): string[] {
    return this.slots.map(({ name }) => name)
  }

  /** Whether nobody is being started, stopped or repaired. */
  get idle(): boolean {
    return this.tasks === 0
  }

  get open(): Process[] {
    return this.slots.filter(({ phase }) => phase === 'open')
  }

  /** Waits for a process that is open: another one than `not`, if there is any. */
  async reach(random: Random, not?: Process): Promise<Process> {
    for (;;) {
      const { open } = this
      const others = open.filter((process) => process !== not)
      if (others.length > 0)
        return random.chance(this.world.profile.favour) ? (others[0] as Process) : random.pick(others)
      if (open.length > 0) return open[0] as Process
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }

  /** Before each step: perhaps something befalls somebody. */
  befall(): void {
    const { world, random } = this
    const { profile, scheduler } = world
    if (world.calm) return
    if (scheduler.steps >= profile.calmAt) {
      this.calmDown()
      return
    }
    if (random.chance(profile.crash)) this.crashOne()
    if (random.chance(profile.close)) this.closeOne()
    if (random.chance(profile.outage)) {
      world.count('outages')
      world.note(`  outage of ${world.faults.breakDown()}`)
      // Operators restart what hangs, and then it has to come to an end with everything still in its queue.
      if (random.chance(0.3)) this.closeOne()
    }
    if (random.chance(0.01)) this.spawn(this.backUp())
    const next = this.due.find(({ step }) => step <= scheduler.steps)
    if (next === undefined || this.maintained) return
    this.due.splice(this.due.indexOf(next), 1)
    this.spawn(this.maintain(next.kind))
  }

  calmDown(): void {
    this.world.note('  calm')
    this.world.calm = true
    this.world.faults.stop()
  }

  /** Closes every process and starts it again. */
  async restartAll(): Promise<void> {
    await Promise.all(this.open.map((process) => process.close()))
    await Promise.all(this.slots.map((_, slot) => this.boot(slot)))
  }

  private crashOne(): void {
    const victims = [...this.slots, this.operator].filter((process) => process?.alive === true)
    if (victims.length === 0) return
    const victim = this.random.pick(victims) as Process
    victim.crash()
    if (victim !== this.operator) this.spawn(this.reboot(this.slots.indexOf(victim)))
  }

  private closeOne(): void {
    const { open } = this
    if (open.length === 0) return
    const process = this.random.pick(open)
    this.spawn(
      process.close().then(() => {
        // If it crashed meanwhile, it is being started already.
        const slot = this.slots.indexOf(process)
        if (slot >= 0 && !this.maintained) this.spawn(this.reboot(slot))
      }),
    )
  }

  private async reboot(slot: number): Promise<void> {
    const before = this.slots[slot]
    await this.world.scheduler.pause('cluster', `starts ${slot} again`, this.random.magnitude(0.1, 100))
    if (this.slots[slot] === before) await this.boot(slot)
  }

  private async boot(slot: number): Promise<void> {
    while (!this.maintained) {
      const process = new Process(this.world, `p${slot}.${++this.generations}`)
      this.slots[slot] = process
      if (await this.succeeds(process, process.open(this.lostBeforeFirst))) {
        for (const resolve of this.waiting.splice(0)) resolve()
        return
      }
      // Whoever crashed it starts it again.
      if (!process.alive) return
      process.abandon()
      await this.world.scheduler.pause('cluster', `opens ${slot} again`, this.random.magnitude(1, 100))
      if (this.slots[slot] !== process) return
    }
  }

  /**
   * The table was lost before the first commit, which a dead writer's late request may still bring: there was nothing to
   * recover then, so whoever opens may have to.
   */
  private lostBeforeFirst = false

  /** Whether it was done. Only trouble with the storage is an excuse. */
  private async succeeds(process: Process, work: Promise<unknown>): Promise<boolean> {
    const problem: unknown = await process.during(
      work.then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    if (problem === undefined) return true
    if (problem === gone) return false
    const tag = (problem as AnnalsError)._tag
    this.world.note(`  ${process.name}: ${tag}`)
    if (tag === 'Unavailable' || tag === 'StorageRefused') return false
    return violate(`${process.name} could not open: ${problem}`)
  }

  private async backUp(): Promise<void> {
    this.backups.push(await backUp(this.world.pointers))
    if (this.backups.length > maxBackups) this.backups.splice(this.random.below(maxBackups), 1)
  }

  /**
   * While nobody has the store open and no request to the pointer store is under way, an older pointer store is restored,
   * or the table is lost and rebuilt.
   */
  private async maintain(kind: 'restore' | 'lose'): Promise<void> {
    const { world, random } = this
    if (kind === 'restore' && this.backups.length === 0) return
    this.maintained = true
    world.note(`  maintenance: ${kind}`)
    await Promise.all(
      this.slots.map((process) => {
        if (process.phase === 'open' && random.chance(0.5)) return process.close()
        return process.alive ? process.crash() : undefined
      }),
    )
    for (const process of this.slots) if (process.alive) process.crash()
    world.scheduler.take(lateOwners.pointers)
    world.pointers = world.emptyPointers()
    if (kind === 'restore') await run(world.pointers.putAll(random.pick(this.backups)))
    world.count(kind === 'restore' ? 'pointer stores restored' : 'pointer stores lost')
    const head = await run(world.pointers.get(headPk(tenantName, 0), headSk))
    if (head === undefined && world.truth.length > 0) await this.recover()
    else if (head === undefined) this.lostBeforeFirst = true
    this.maintained = false
    await Promise.all(this.slots.map((_, slot) => this.boot(slot)))
  }

  /** Tries until it is done. */
  private async recover(): Promise<void> {
    const { world, random } = this
    for (let done = false; !done; ) {
      const operator = new Process(world, `operator.${++this.generations}`)
      this.operator = operator
      done = await this.succeeds(operator, random.chance(0.5) ? operator.recover() : operator.open(true))
      if (operator.phase === 'open') await operator.close()
      if (operator.alive) operator.abandon()
      if (!done) await world.scheduler.pause('cluster', 'recovers again', 10)
    }
    world.count('recoveries')
  }

  private spawn(task: Promise<void>): void {
    this.tasks++
    task
      .catch((error) => this.world.scheduler.fail(error))
      .finally(() => {
        this.tasks--
      })
  }
}
