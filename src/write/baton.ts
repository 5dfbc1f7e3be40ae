/**
 * The baton: fairness among writers of one log. Correctness does not need it.
 *
 * A writer that loses a race queues for the baton. Writers that see somebody queueing queue too, so that commits go round
 * in ticket order, one turn each. The queue is one item, changed by compare-and-set; its first entry holds the baton
 * until its lease ends. A dead holder delays the others by one lease, once. When the pointer store is in trouble the baton
 * steps aside and writers race.
 */
import { batonPk, batonSk } from '../../domain/keys.js'
import type { Clock, Item, PointerStore } from '../../domain/ports/index.js'

export interface BatonOptions {
  /** How long a holder may keep the others waiting, in milliseconds. */
  readonly leaseMs: number
  /** How long a holder with more to write goes on before it passes the baton; 0: one commit a turn. */
  readonly turnMs: number
  /** How often a waiting writer looks, in milliseconds. */
  readonly pollMs: number
  /** How often a writer that is always at work looks for others, in milliseconds; 0 looks before every commit. */
  readonly lookMs: number
}

export interface Baton {
  /**
   * Waits for this writer's turn, if there is anybody to take turns with. `contended`: a race was just lost. Answers whether
   * it had to wait: then others have written meanwhile.
   */
  acquire(contended: boolean): Promise<boolean>
  isHeld(): boolean
  /** Whether this writer holds the baton and its turn is not over. */
  turnLasts(): boolean
  /** Passes the baton on, if this writer holds it. */
  release(): Promise<void>
}

interface Ticket {
  readonly writer: string
  /** Milliseconds since 1970; set when the ticket comes first. */
  readonly until: number
}

export interface BatonDeps {
  readonly tenant: string
  readonly partition: number
  readonly writer: string
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly options: BatonOptions
  /** Called between two looks: callers' deadlines pass while their writer waits. */
  readonly onWait: () => void
}

/** The longest queue: beyond it, writers race. */
const maxTickets = 256

export function makeBaton(deps: BatonDeps): Baton {
  const { writer, pointers, clock, options } = deps
  const pk = batonPk(deps.tenant, deps.partition)
  let holds = false
  let turnEnds = 0

  const nowMs = (): number => clock.now() / 1000
  let lookedAt = nowMs()
  /** When this writer was last at work. */
  let workedAt = lookedAt

  /** The queue as it stands; `undefined` when it cannot be read, and fairness has to wait. */
  async function read(): Promise<{ tickets: Ticket[]; rev: number } | undefined> {
    const got = await pointers.get(pk, batonSk)()
    if (got._tag === 'Left') return undefined
    return { tickets: ticketsOf(got.right), rev: got.right?.rev ?? 0 }
  }

  /** Changes the queue; answers false when another writer was faster or the store is in trouble. */
  async function write(tickets: ReadonlyArray<Ticket>, rev: number): Promise<boolean> {
    const item: Item = { pk, sk: batonSk, attributes: { tickets: JSON.stringify(tickets) } }
    const swapped = await pointers.compareAndSet(item, rev)()
    return swapped._tag === 'Right' && swapped.right.done
  }

  /** Lets a new first ticket's lease begin now. */
  const start = (tickets: ReadonlyArray<Ticket>): Ticket[] =>
    tickets.map((ticket, place) => (place === 0 ? { ...ticket, until: nowMs() + options.leaseMs } : ticket))

  async function acquire(contended: boolean): Promise<boolean> {
    if (holds || !(contended || lookIsDue())) return false
    let waited = false
    const enough = nowMs() + options.leaseMs * maxTickets
    for (let asked = contended; !deps.signal.aborted && nowMs() < enough; ) {
      const queue = await read()
      if (queue === undefined) return waited
      const { tickets, rev } = queue
      // As long as others queue, this writer looks before every commit.
      if (tickets.length > 0) lookedAt = 0
      const mine = tickets.findIndex((ticket) => ticket.writer === writer)
      if (mine < 0) {
        asked ||= tickets.length > 0
        if (!asked || tickets.length >= maxTickets) return waited
        const joined = [...tickets, { writer, until: 0 }]
        await write(tickets.length === 0 ? start(joined) : joined, rev)
        continue
      }
      if (mine === 0) {
        holds = true
        turnEnds = nowMs() + options.turnMs
        return waited
      }
      waited = true
      // The other tickets may be of the dead as well: the living queue again, so that all the dead cost one lease.
      if ((tickets[0] as Ticket).until < nowMs()) await write(start([tickets[mine] as Ticket]), rev)
      // Who is next looks often, who has others before it need not.
      else await clock.sleep(options.pollMs * mine, deps.signal)
      deps.onWait()
    }
    return waited
  }

  /** Only a writer that is always at work keeps others from their turn: one that writes now and then need not look. */
  function lookIsDue(): boolean {
    const now = nowMs()
    if (now - workedAt > options.lookMs && lookedAt > 0) lookedAt = now
    workedAt = now
    if (now - lookedAt < options.lookMs) return false
    lookedAt = now
    return true
  }

  async function release(): Promise<void> {
    workedAt = nowMs()
    if (!holds) return
    holds = false
    // Bounded: a queue that keeps changing heals by the lease.
    for (let attempt = 0; attempt < 16; attempt++) {
      const queue = await read()
      if (queue === undefined || !queue.tickets.some((ticket) => ticket.writer === writer)) return
      if (await write(start(queue.tickets.filter((ticket) => ticket.writer !== writer)), queue.rev)) return
    }
  }

  return { acquire, isHeld: () => holds, turnLasts: () => holds && nowMs() < turnEnds, release }
}

function ticketsOf(item: Item | undefined): Ticket[] {
  const text = item?.attributes.tickets
  return typeof text === 'string' ? (JSON.parse(text) as Ticket[]) : []
}
