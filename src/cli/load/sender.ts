/**
 * Sends batches to the store: several in flight, in order, each one transaction. A batch with an unacceptable resource is
 * divided until that resource stands alone, so that the others are kept.
 */
import type { AnnalsError, OperationInput, Tenant, TransactionResult, WriteOptions } from '../../index.js'
import type { Found } from './resources.js'

export interface Counts {
  /** Resources read, acceptable or not. */
  read: number
  created: number
  updated: number
  unchanged: number
  failed: number
}

export const noCounts = (): Counts => ({ read: 0, created: 0, updated: 0, unchanged: 0, failed: 0 })

export interface Batch<Mark> {
  readonly found: ReadonlyArray<Found>
  readonly counts: Counts
  /** How far the load has come when this batch, and every batch before it, is acknowledged. */
  readonly mark: Mark
}

export interface SenderOptions<Mark> {
  readonly tenant: Tenant
  readonly write: WriteOptions
  /** A resource that the store does not take. Answers whether to go on. */
  readonly onBad: (found: Found, error: AnnalsError) => boolean
  /** A batch is acknowledged, and so are all before it. */
  readonly onAcknowledged: (batch: Batch<Mark>) => void
}

export interface Sender<Mark> {
  /** Resolves when there is room for the next batch. Throws what makes going on pointless. */
  send(batch: Batch<Mark>): Promise<void>
  /** Resolves when nothing is in flight. */
  drain(): Promise<void>
  /** `onBad` has said not to go on. */
  readonly stopped: boolean
  /** What came of batches behind the one that ended it. */
  unacknowledged(): ReadonlyArray<Counts>
}

/** Batches in flight. The writer makes one commit of those that wait while another commit is written. */
const inFlight = 4

interface Sent<Mark> {
  readonly batch: Batch<Mark>
  open: number
  isSent: boolean
}

export function makeSender<Mark>(options: SenderOptions<Mark>): Sender<Mark> {
  const { tenant, write, onBad, onAcknowledged } = options
  const waiting: Sent<Mark>[] = []
  let failure: { readonly error: unknown } | undefined
  let stopped = false
  let wake: (() => void) | undefined

  async function submit(sent: Sent<Mark>, found: ReadonlyArray<Found>): Promise<void> {
    if (found.length === 0 || stopped || failure !== undefined) return
    const result = tenant.fp.transact(found.map(operationOf), write)()
    sent.open++
    // What is not acceptable is refused before it is queued, hence within this turn; nothing later is sent before it is
    // known, so that resources keep their order.
    const early = await Promise.race([result, nextTurn()])
    if (early?._tag === 'Left' && isOfOneResource(early.left)) {
      sent.open--
      await divide(sent, found, early.left)
      return
    }
    void result.then(
      (outcome) => {
        if (outcome._tag === 'Right') count(sent.batch.counts, outcome.right)
        else failure ??= { error: outcome.left }
        settle(sent)
      },
      (defect) => {
        failure ??= { error: defect }
        settle(sent)
      },
    )
  }

  async function divide(sent: Sent<Mark>, found: ReadonlyArray<Found>, error: AnnalsError): Promise<void> {
    if (found.length === 1) {
      sent.batch.counts.failed++
      if (!onBad(found[0] as Found, error)) stopped = true
      return
    }
    const half = found.length >> 1
    await submit(sent, found.slice(0, half))
    await submit(sent, found.slice(half))
  }

  function settle(sent: Sent<Mark>): void {
    sent.open--
    acknowledge()
  }

  /** In order: a mark may only be passed on when everything before it is done. */
  function acknowledge(): void {
    while (failure === undefined && !stopped && waiting[0]?.isSent && waiting[0].open === 0)
      onAcknowledged((waiting.shift() as Sent<Mark>).batch)
    wake?.()
  }

  async function room(most: number): Promise<void> {
    const unfinished = (): number => waiting.filter((sent) => sent.open > 0).length
    while (unfinished() > most)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    if (failure !== undefined) throw failure.error
  }

  return {
    async send(batch) {
      await room(inFlight - 1)
      const sent: Sent<Mark> = { batch, open: 0, isSent: false }
      waiting.push(sent)
      for (const found of byLog(tenant, batch.found)) await submit(sent, found)
      sent.isSent = true
      acknowledge()
    },
    drain: () => room(0),
    get stopped() {
      return stopped
    },
    unacknowledged: () => waiting.map(({ batch }) => batch.counts),
  }
}

/** What is in one log can be one transaction. */
function byLog(tenant: Tenant, all: ReadonlyArray<Found>): Iterable<ReadonlyArray<Found>> {
  if (tenant.partitions.length === 1) return [all]
  const logs = new Map<number, Found[]>()
  for (const found of all) {
    const partition = tenant.partitionOf(found.identity.type, found.identity.id)
    const own = logs.get(partition)
    if (own === undefined) logs.set(partition, [found])
    else own.push(found)
  }
  return logs.values()
}

const operationOf = ({ identity, body }: Found): OperationInput => ({
  op: 'update',
  type: identity.type,
  id: identity.id,
  body,
  onlyIfChanged: true,
})

const nextTurn = (): Promise<undefined> => new Promise((resolve) => setImmediate(() => resolve(undefined)))

/** Actor and reason are the whole load's. */
const isOfOneResource = ({ _tag, data }: AnnalsError): boolean =>
  _tag === 'InvalidBody' ||
  _tag === 'LimitExceeded' ||
  (_tag === 'InvalidInput' && !['actor', 'reason'].includes((data as { what: string }).what))

function count(counts: Counts, { results }: TransactionResult): void {
  for (const { changed, op } of results) {
    if (!changed) counts.unchanged++
    else if (op === 'create') counts.created++
    else counts.updated++
  }
}
