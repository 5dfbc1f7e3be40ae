/** Commits as bytes for as long as they come: pulled one by one, as fast as the client reads. */
import { setTimeout as pause } from 'node:timers/promises'
import { type CommitView, commitPieces, formatPosition } from '../../index.js'

/** Small pieces are sent together, until they reach this. */
const chunkBytes = 64 * 1024

/** A line for each. Where the signal aborts before the last, the answer is cut: an end would say that these are all. */
export async function* lines(commits: AsyncIterable<CommitView>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const commit of commits) yield* gathered(commitPieces(commit), '', '\n')
  if (signal.aborted) throw new Error('the log was not read to its end')
}

/** An event for each, with the position of its last event for an id; and a sign of life whenever there was none for a while. */
export async function* events(commits: AsyncIterable<CommitView>, heartbeatMs: number): AsyncGenerator<Uint8Array> {
  const iterator = commits[Symbol.asyncIterator]()
  try {
    // At once, so that the client knows that it is connected.
    yield heartbeat
    let next = pulled(iterator)
    for (;;) {
      const step = await withinTime(next, heartbeatMs)
      if (step === undefined) yield heartbeat
      else if (step.done === true) return
      else {
        yield* gathered(commitPieces(step.value), `id: ${eventId(step.value)}\ndata: `, '\n\n')
        next = pulled(iterator)
      }
    }
  } finally {
    await iterator.return?.()
  }
}

export function eventId({ partition, seq, transactions }: CommitView): string {
  const events = transactions.reduce((sum, transaction) => sum + transaction.events.length, 0)
  return formatPosition({ partition, seq, index: Math.max(0, events - 1) })
}

/** A comment. */
const heartbeat = Buffer.from(':\n\n')

/** What fails while nobody waits for it fails when somebody does. */
function pulled(iterator: AsyncIterator<CommitView>): Promise<IteratorResult<CommitView>> {
  const next = iterator.next()
  next.catch(() => undefined)
  return next
}

/** `undefined`: not yet. */
async function withinTime<A>(promise: Promise<A>, ms: number): Promise<A | undefined> {
  const timer = new AbortController()
  try {
    return await Promise.race([promise, pause(ms, undefined, { signal: timer.signal }).catch(() => undefined)])
  } finally {
    timer.abort()
  }
}

function* gathered(pieces: Iterable<Uint8Array>, before: string, after: string): Generator<Uint8Array> {
  let waiting: Uint8Array[] = [Buffer.from(before)]
  let bytes = 0
  for (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < chunkBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  yield Buffer.concat([...waiting, Buffer.from(after)])
}
