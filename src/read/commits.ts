/** The log commit by commit, as `tenant.commits()` shows it. */
import { asBuffer } from '../../domain/body/bytes.js'
import { type ChainLink, objectLength, origin } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { pointersOf } from '../../domain/pointer.js'
import { formatTransactionId } from '../../domain/transaction-id.js'
import type { CommitsOptions, CommitView } from '../api.js'
import type { Limits } from '../limits.js'
import { resourceVersion } from '../version.js'
import { bodiesOf } from './bodies.js'
import { type FollowDeps, walk } from './follow.js'
import type { LogReader, OpenCommit } from './log-reader.js'
import { copyOf, type Reader } from './reader.js'

export type CommitsDeps = FollowDeps & { readonly reader: Reader; readonly limits: Limits }

export async function* commits(deps: CommitsDeps, options: CommitsOptions = {}): AsyncGenerator<CommitView> {
  const { from = 1, to, follow = false, signal, bodies = true, headers = false } = options
  const first = typeof from === 'number' ? from : from.seq + 1
  if (!Number.isSafeInteger(first) || first < 1)
    throw annalsError('InvalidInput', { what: 'from', problem: 'it is a commit number from 1, or a position' })
  const link = await linkBefore(deps.log, first)
  for await (const step of walk(deps, link, { to, follow, signal, whole: bodies }))
    if (step.kind === 'commit') yield await commitView(deps, step.opened, bodies, headers)
}

/** What the first commit of the iteration has to follow. A start beyond the log has nothing before it yet. */
async function linkBefore(log: LogReader, first: number): Promise<ChainLink> {
  if (first === 1) return origin
  const before = await log.open(first - 1)
  if (before !== undefined) return before.commit
  throw annalsError('InvalidInput', { what: 'from', problem: `the log has no commit ${first - 1} yet` })
}

async function commitView(
  deps: CommitsDeps,
  opened: OpenCommit,
  withBodies: boolean,
  withHeader: boolean,
): Promise<CommitView> {
  const { reader, limits } = deps
  const { partition } = deps.log
  const { header, seq, hash } = opened.commit
  const pointers = pointersOf(opened.commit, partition)
  const bodies = withBodies ? await bodiesOf(reader, pointers, limits, new Map([[seq, opened]])) : []
  const events = pointers.map((pointer, i) => {
    const body = bodies[i]
    return resourceVersion(pointer, body && copyOf(body))
  })
  const { id, writer, at, prev } = header
  return {
    seq,
    partition,
    id,
    writer,
    at,
    hash,
    prev,
    bytes: objectLength(opened.commit),
    ...(withHeader ? { header: headerLine(opened) } : undefined),
    transactions: header.transactions.map((transaction) => ({
      id: transaction.id,
      ...(transaction.request === undefined ? undefined : { request: transaction.request }),
      ...(transaction.actor === undefined ? undefined : { actor: transaction.actor }),
      ...(transaction.reason === undefined ? undefined : { reason: transaction.reason }),
      ...(transaction.correlation === undefined ? undefined : { correlation: transaction.correlation }),
      ...(transaction.causation === undefined ? undefined : { causation: transaction.causation }),
      ...(transaction.compensates === undefined
        ? undefined
        : { compensates: formatTransactionId(transaction.compensates) }),
      events: events.splice(0, transaction.events.length),
    })),
  }
}

/** Its bytes have been read, whatever else has. */
const headerLine = ({ commit, bytes }: OpenCommit): string => asBuffer(bytes).toString('utf8', 0, commit.bodiesAt - 1)
