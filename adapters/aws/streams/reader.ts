/**
 * Reads the shards of one table's stream, page by page. It keeps no promise but to find most changes soon: whatever it
 * misses (a trimmed record, an expired iterator, a stream that was replaced) it answers with a ring for every log.
 */
import { mapBounded } from '../../../domain/task.js'
import { serviceError } from '../service-error.js'
import type { ShardInfo, Start, StreamApi } from './api.js'

export interface StreamReader {
  /** Looks once at every shard that may be read: the newest `seq` of each head that moved, by its `pk`. */
  look(): Promise<Look>
}

export interface Look {
  readonly heads: ReadonlyMap<string, number>
  /** Something may have been missed. */
  readonly missed: boolean
  /** `none`: the table has no stream. `slow`: it was asked too often, or cannot be reached. */
  readonly state: 'read' | 'none' | 'slow'
}

interface Shard {
  readonly parent?: string
  start: Start
  iterator?: string
  done: boolean
}

type Trouble = 'missed' | 'slow' | 'gone'

const shardsAtOnce = 8
/** Looks after which shards are listed again, though none has ended. */
const looksPerListing = 40
/** The same while every shard has ended: others follow them, or another stream does. */
const looksPerSearch = 4

export function makeStreamReader(api: StreamApi): StreamReader {
  let stream: string | undefined
  let shards = new Map<string, Shard>()
  let looksLeft = 0
  /** Whether the shards of this stream have been listed. */
  let listed = false

  function forget(): void {
    stream = undefined
    shards = new Map()
    looksLeft = 0
    listed = false
  }

  /** Shards that are there at the start are read from now on, those that come later from their beginning. */
  function take(found: ReadonlyArray<ShardInfo>): void {
    const first = !listed
    const known = shards
    listed = true
    shards = new Map(
      found.map(({ id, parent, closed }) => [
        id,
        known.get(id) ?? { parent, start: first ? 'newest' : 'oldest', done: first && closed },
      ]),
    )
  }

  /** Finds the stream and, when it is time, its shards. `new`: nothing of what came before is heard. */
  async function find(): Promise<'none' | 'known' | 'new'> {
    stream ??= await api.findStream()
    if (stream === undefined) return 'none'
    if (looksLeft-- > 0) return 'known'
    const isNew = !listed
    take(await api.shards(stream))
    const ended = [...shards.values()].every(({ done }) => done)
    looksLeft = ended ? looksPerSearch : looksPerListing
    if (isNew) return 'new'
    // A stream that was disabled is remembered for a day, and answers that nothing comes any more.
    if (!ended || (await api.findStream()) === stream) return 'known'
    forget()
    return find()
  }

  /** A parent before its child: what moved last is in the child. */
  const isReady = (shard: Shard): boolean =>
    !shard.done && (shard.parent === undefined || (shards.get(shard.parent)?.done ?? true))

  async function readPage(id: string, shard: Shard, heads: Map<string, number>): Promise<Trouble | undefined> {
    try {
      shard.iterator ??= await api.iterator(stream as string, id, shard.start)
      const { records, next } = await api.records(shard.iterator)
      for (const { pk, seq } of records) if (pk.startsWith('H#')) heads.set(pk, Math.max(seq, heads.get(pk) ?? 0))
      const last = records.at(-1)
      if (last !== undefined) shard.start = { after: last.sequence }
      shard.iterator = next
      if (next === undefined) {
        shard.done = true
        looksLeft = 0
      }
      return undefined
    } catch (error) {
      const { name } = error as Error
      if (name !== 'ExpiredIteratorException' && name !== 'TrimmedDataAccessException') return troubleOf(error)
      shard.iterator = undefined
      // An iterator is good for a quarter of an hour, a place behind a record for a day.
      if (name === 'ExpiredIteratorException') return shard.start === 'newest' ? 'missed' : undefined
      shard.start = 'oldest'
      return 'missed'
    }
  }

  /** One shard that cannot be read keeps nobody from the others. */
  async function look(): Promise<Look> {
    const heads = new Map<string, number>()
    const found = await find().catch(troubleOf)
    if (found === 'none') return { heads, missed: false, state: 'none' }
    const ready = found === 'known' || found === 'new' ? [...shards].filter(([, shard]) => isReady(shard)) : []
    const pages = await mapBounded(ready, shardsAtOnce, ([id, shard]) => readPage(id, shard, heads))
    const heard = new Set([found, ...pages])
    // A stream that is gone may have a successor, and nobody knows what came between.
    if (heard.has('gone')) forget()
    return {
      heads,
      missed: heard.has('new') || heard.has('missed') || heard.has('gone'),
      state: heard.has('slow') || heard.has('gone') ? 'slow' : 'read',
    }
  }

  return { look }
}

/** What an error of the service means. A defect is thrown again. */
function troubleOf(error: unknown): Trouble {
  serviceError(error, { operation: 'read', key: 'stream', writes: false })
  return (error as Error).name === 'ResourceNotFoundException' ? 'gone' : 'slow'
}
