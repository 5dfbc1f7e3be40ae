/**
 * The events of a log for a subscriber that may be far behind and slow. It pulls: nothing is read but what it asks for and
 * what the log reader has ahead, so that memory stays flat. Bodies are read a few mebibytes at a time.
 */
import { type ChainLink, type Commit, linkOf, origin } from '../../domain/commit.js'
import { pointersOf, type VersionPointer } from '../../domain/pointer.js'
import { formatPosition, type Position } from '../../domain/position.js'
import type { Kind } from '../../domain/resource.js'
import { childOf } from '../../projections/stopping.js'
import type { Limits } from '../limits.js'
import { resourceVersion } from '../version.js'
import { bodiesOf } from './bodies.js'
import { type FollowDeps, walk } from './follow.js'
import { type LogReader, missingCommit, type OpenCommit } from './log-reader.js'
import type { Reader } from './reader.js'
import { stoppable } from './stoppable.js'
import {
  refuse,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionMessage,
  subscriptionOf,
} from './subscription.js'

export interface SubscribeDeps extends FollowDeps {
  readonly reader: Reader
  readonly kind: Kind
  readonly limits: Limits
}

/** Events whose bodies are read together, and handed on before more are read: until they reach one of these. */
const groupBytes = 4 * 1024 * 1024
const groupEvents = 1_000

/** Each iteration is a subscription of its own. What is asked for is checked when it begins. */
export const subscribe = (deps: SubscribeDeps, options: SubscribeOptions = {}): AsyncIterable<SubscriptionMessage> => ({
  [Symbol.asyncIterator]: () => messages(deps, options),
})

async function* messages(deps: SubscribeDeps, options: SubscribeOptions): AsyncGenerator<SubscriptionMessage> {
  // One listener on the caller's signal, however many wait here: it may be that of a whole process.
  const { signal, release } = childOf(options.signal ?? new AbortController().signal)
  try {
    const asked = subscriptionOf(options, deps.kind)
    for await (const group of stoppable(groups(deps, asked, signal), deps.clock, signal))
      for (const message of group) {
        if (signal.aborted) return
        yield message
      }
  } finally {
    release()
  }
}

type Group = ReadonlyArray<SubscriptionMessage>

async function* groups(deps: SubscribeDeps, asked: Subscription, signal: AbortSignal): AsyncGenerator<Group> {
  const { bodies, isFiltered, untilHead } = asked
  const begun = yield* beginning(deps, asked)
  let { position } = begun
  // Where not every event is asked for, the header says first which bodies are worth a read.
  for await (const step of walk(deps, begun.link, { follow: true, whole: bodies && !isFiltered, signal })) {
    if (step.kind === 'commit') {
      position = endOf(deps.log, step.opened.commit)
      yield* groupsOf(deps, asked, step.opened, 0)
    } else {
      yield [{ kind: 'caught-up', position }]
      if (untilHead) return
    }
  }
}

/** Behind a commit: its last event, and what the next commit has to follow. */
interface Place {
  readonly link: ChainLink
  readonly position: Position
}

/** Tells what is left of the commit in which the subscription begins, and answers the place behind it. */
async function* beginning(deps: SubscribeDeps, asked: Subscription): AsyncGenerator<Group, Place> {
  const { log, reader } = deps
  const { from } = asked
  const { seq: head } = from === 'start' ? origin : await reader.head()
  const at = typeof from === 'string' ? undefined : checkedPosition(log, from, head)
  const seq = at?.seq ?? head
  const opened = seq === 0 ? undefined : await log.open(seq)
  if (opened === undefined && seq > 0) throw missingCommit(log, seq)
  const position = endOf(log, opened?.commit)
  if (at !== undefined && at.index > position.index)
    refuse('from', `${formatPosition(at)} names no event: the last one of its commit is ${formatPosition(position)}`)
  if (at !== undefined && opened !== undefined) yield* groupsOf(deps, asked, opened, at.index + 1)
  return { link: linkOf(opened?.commit ?? origin), position }
}

function checkedPosition(log: LogReader, position: Position, head: number): Position {
  const { partition, seq } = position
  if (partition !== log.partition)
    refuse('from', `the position is of partition ${partition}, the log of ${log.partition}`)
  if (seq > head)
    refuse(
      'from',
      `${formatPosition(position)} is beyond the head, which is commit ${head}: it is of another log, or of a later state`,
    )
  return position
}

/** The position of the last event of a commit. Before the first one stands `0-0-0`. */
function endOf({ partition }: LogReader, commit: Commit | undefined): Position {
  if (commit === undefined) return { partition, seq: 0, index: 0 }
  const events = commit.header.transactions.reduce((sum, transaction) => sum + transaction.events.length, 0)
  return { partition, seq: commit.seq, index: Math.max(0, events - 1) }
}

/** The events of a commit that are asked for, without the first `done`. */
async function* groupsOf(
  deps: SubscribeDeps,
  asked: Subscription,
  opened: OpenCommit,
  done: number,
): AsyncGenerator<Group> {
  const { seq, hash, header } = opened.commit
  const commit = { seq, at: header.at, hash }
  const pointers = pointersOf(opened.commit, deps.log.partition).slice(done).filter(asked.wants)
  for (let next = 0; next < pointers.length; ) {
    const group = pointers.slice(next, endOfGroup(pointers, next))
    next += group.length
    const bodies = asked.bodies ? await bodiesOf(deps.reader, group, deps.limits, new Map([[seq, opened]])) : []
    yield group.map((pointer, i) => ({ kind: 'event', event: resourceVersion(pointer, bodies[i]), commit }))
  }
}

function endOfGroup(pointers: ReadonlyArray<VersionPointer>, first: number): number {
  let bytes = 0
  let end = first
  while (end < pointers.length && end - first < groupEvents && bytes < groupBytes) bytes += pointers[end++]?.length ?? 0
  return end
}
