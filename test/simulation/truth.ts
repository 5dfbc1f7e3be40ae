/**
 * The truth: what the log holds, watched as each commit comes into being.
 *
 * Every commit is judged on the spot: the chain, the attempt that made each transaction, and by the reference whether
 * its events are what that attempt asked for, given everything before it.
 */
import { createHash } from 'node:crypto'
import type { CommitHeader, TransactionHeader } from '../../domain/header.js'
import { type Attempt, violate } from './call.js'
import { type ExpectedResult, expectedOf, keyOf, nothing, type Standing, tokenOf } from './reference.js'

export interface TrueEvent extends Standing {
  readonly type: string
  readonly id: string
  readonly op: string
  readonly at: string
  readonly seq: number
  readonly index: number
  readonly transaction: number
  readonly body?: string
}

export interface TrueCommit {
  readonly header: CommitHeader
  readonly hash: string
  readonly events: ReadonlyArray<TrueEvent>
}

/** A place in the log between two transactions: after `seq` commits, and so many transactions of the next. */
export interface Boundary {
  readonly seq: number
  readonly transactions: number
}

export class Truth {
  readonly commits: TrueCommit[] = []
  readonly resources = new Map<string, TrueEvent[]>()
  /** The last commit that any client has learned of. Whoever asks afterwards may not be shown less. */
  told = 0
  private readonly blobs = new Map<string, string>()
  private readonly attempts = new Map<string, Attempt>()

  get length(): number {
    return this.commits.length
  }

  expectAttempt(attempt: Attempt): void {
    this.attempts.set(attempt.name, attempt)
  }

  tell(seq: number): void {
    this.told = Math.max(this.told, seq)
  }

  /** Hears of an object at the moment at which it comes into being. */
  created(key: string, bytes: Uint8Array): void {
    const [, kind, name] = /^sim\/(log\/0|blobs)\/(.*?)(?:\.ndjson)?$/.exec(key) ?? []
    if (kind === 'blobs') this.blobs.set(name as string, Buffer.from(bytes).toString())
    if (kind === 'log/0') this.append(Number(name), Buffer.from(bytes).toString())
  }

  /** The last version of a resource within the first `seq` commits. */
  versionAt(key: string, seq: number): TrueEvent | undefined {
    return this.resources.get(key)?.findLast((event) => event.seq <= seq)
  }

  standingAt(key: string, { seq, transactions }: Boundary): Standing {
    const before = (event: TrueEvent): boolean =>
      event.seq <= seq || (event.seq === seq + 1 && event.transaction < transactions)
    return this.resources.get(key)?.findLast(before) ?? nothing
  }

  /** Every place between two transactions, from after commit `low` to after commit `high`. */
  *boundaries(low: number, high: number): Generator<Boundary> {
    for (let seq = low; seq <= high; seq++) {
      const inside = seq < high ? (this.commits[seq]?.header.transactions.length ?? 1) : 1
      for (let transactions = 0; transactions < inside; transactions++) yield { seq, transactions }
    }
  }

  private append(seq: number, text: string): void {
    const last = this.commits.at(-1)
    const end = text.indexOf('\n')
    const line = text.slice(0, end)
    const header = JSON.parse(line) as CommitHeader
    if (seq !== this.length + 1) violate(`commit ${seq} was created when the log had ${this.length} commits`)
    if (header.seq !== seq) violate(`commit ${seq} says that it is ${header.seq}`)
    if (header.prev !== (last?.hash ?? '0'.repeat(64))) violate(`commit ${seq} does not follow the one before`)
    if (last !== undefined && header.at <= last.header.at) violate(`commit ${seq} is not later than the one before`)
    const hash = createHash('sha256').update(line).digest('hex')
    const bodies = Buffer.from(text.slice(end + 1))
    const events: TrueEvent[] = []
    this.commits.push({ header, hash, events })
    header.transactions.forEach((transaction, place) => {
      const own = this.eventsOf(header, transaction, place, events.length, bodies)
      this.judge(header, transaction, place, own)
      for (const event of own) {
        events.push(event)
        const key = keyOf(event.type, event.id)
        const versions = this.resources.get(key)
        if (versions === undefined) this.resources.set(key, [event])
        else versions.push(event)
      }
    })
  }

  private eventsOf(
    { seq, at }: CommitHeader,
    { events }: TransactionHeader,
    transaction: number,
    first: number,
    bodies: Buffer,
  ): TrueEvent[] {
    return events.map(({ type, id, version, op, offset = 0, length = 0, blob }, i) => {
      const body = blob === undefined ? bodies.toString('utf8', offset, offset + length) : this.blobs.get(blob)
      const place = { at, seq, index: first + i, transaction }
      if (op === 'delete') return { type, id, version, op, deleted: true, ...place }
      return { type, id, version, op, deleted: false, token: tokenOf(body), body, ...place }
    })
  }

  private judge(
    { seq }: CommitHeader,
    transaction: TransactionHeader,
    place: number,
    events: ReadonlyArray<TrueEvent>,
  ): void {
    const attempt = this.attempts.get(transaction.reason ?? '') ?? violate(`commit ${seq}: nobody asked for this`)
    const { call, name } = attempt
    if (call.written !== undefined)
      violate(
        `${name} is written in commit ${seq}, and already was in ${call.written.seq} by ${call.written.attempt.name}`,
      )
    if (transaction.request !== call.request) violate(`${name}: its request key is ${transaction.request}`)
    if (attempt.promised === 'not written')
      violate(`${name} is written in commit ${seq}, though its caller was told ${attempt.because}`)
    if (attempt.promised === 'written')
      violate(`${name} is written in commit ${seq}, though its caller was told before that it had been done`)
    const expected = expectedOf(
      call.operations,
      (key) => this.resources.get(key)?.at(-1) ?? nothing,
      (event) => events[event]?.id ?? '?',
    )
    const made = expected.results.filter(({ changed }) => changed)
    const same = made.length === events.length && made.every((result, i) => isResultOf(events[i] as TrueEvent, result))
    if (expected.conflicts.length > 0 || !same)
      violate(`${name} in commit ${seq} is decided wrongly: ${JSON.stringify({ expected, events })}`)
    call.written = { attempt, seq, transaction: place, results: expected.results }
  }
}

const isResultOf = (event: TrueEvent, expected: ExpectedResult): boolean =>
  event.type === expected.type &&
  event.id === expected.id &&
  event.version === expected.version &&
  event.op === expected.op &&
  event.token === expected.token
