/** The probes of `doctor`: each writes under keys of its own, and says whether the storage kept its promise. */
import { randomBytes } from 'node:crypto'
import { sha256 } from '../../domain/commit.js'
import type { BlobStore, Item, PointerStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'

/** What the probes share: a folder of keys, and a partition of items, that no tenant can have. */
export interface Probe {
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly prefix: string
  readonly pk: string
}

export interface Outcome {
  readonly ok: boolean
  readonly detail: string
  readonly advice?: string
}

const rounds = 5
const contenders = 64
const roundTripBytes = 1024 * 1024
const timedCreates = 20
const slowCreateMs = 250

const verdict = (ok: boolean, detail: string, advice: string): Outcome => (ok ? { ok, detail } : { ok, detail, advice })

export async function writeReadDelete({ blobs, prefix }: Probe): Promise<Outcome> {
  const key = `${prefix}object`
  const bytes = Buffer.from('{"probe":true}\n')
  await run(blobs.put(key, bytes))
  const read = await run(blobs.get(key))
  await run(blobs.delete([key]))
  const after = await run(blobs.get(key))
  return verdict(
    read !== undefined && bytes.equals(read.bytes) && after === undefined,
    read === undefined
      ? 'an object that was just written could not be read'
      : after === undefined
        ? 'an object was written, read back and deleted'
        : 'a deleted object could still be read',
    'use a storage with strong read-after-write consistency',
  )
}

export async function roundTrip({ blobs, prefix }: Probe): Promise<Outcome> {
  const bytes = randomBytes(roundTripBytes)
  await run(blobs.createIfAbsent(`${prefix}bytes`, bytes))
  const read = await run(blobs.get(`${prefix}bytes`))
  return verdict(
    read !== undefined && sha256(read.bytes) === sha256(bytes),
    read === undefined ? 'nothing came back' : `${read.bytes.length} of ${bytes.length} bytes came back`,
    'something between here and the storage changes bytes: look for a proxy, a compression or a text conversion',
  )
}

export async function rangedReads({ blobs, prefix }: Probe): Promise<Outcome> {
  const key = `${prefix}ranges`
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  await run(blobs.put(key, bytes))
  const ranges = [
    { start: 0, end: 1 },
    { start: 17, end: 99 },
    { start: 200, end: 1000 },
    { start: 300, end: 400 },
  ]
  for (const range of ranges) {
    const read = await run(blobs.get(key, range))
    if (read === undefined || !bytes.subarray(range.start, range.end).equals(read.bytes))
      return {
        ok: false,
        detail: `bytes ${range.start} to ${range.end} were not what was written`,
        advice: 'this storage does not honour ranged reads: use another one',
      }
  }
  return { ok: true, detail: `${ranges.length} ranges, one past the end` }
}

export async function listAfterWrite({ blobs, prefix }: Probe): Promise<Outcome> {
  const keys = ['a', 'b', 'c'].map((name) => `${prefix}list/${name}`)
  for (const key of keys) await run(blobs.put(key, Buffer.from(key)))
  const listed = async (): Promise<string> =>
    (await run(blobs.list(`${prefix}list/`, { limit: 10 }))).entries.map(({ key }) => key).join()
  const before = await listed()
  await run(blobs.delete([keys[1] as string]))
  const after = await listed()
  return verdict(
    before === keys.join() && after === [keys[0], keys[2]].join(),
    'a listing right after three writes, and after one deletion',
    'listings of this storage lag behind: verify and recover still work, but tenants may be listed late',
  )
}

/** Rule of the commit point: of any number of concurrent creates exactly one is told that it won. */
export async function createRace({ blobs, prefix }: Probe): Promise<Outcome> {
  for (let round = 1; round <= rounds; round++) {
    const key = `${prefix}race/${round}`
    const answers = await Promise.all(
      Array.from({ length: contenders }, (_, i) => run(blobs.createIfAbsent(key, Buffer.from(`contender ${i}`)))),
    )
    const winners = answers.flatMap((answer, i) => (answer === 'created' ? [i] : []))
    const stored = Buffer.from((await run(blobs.get(key)))?.bytes ?? []).toString()
    if (winners.length !== 1 || stored !== `contender ${winners[0]}`)
      return {
        ok: false,
        detail: `round ${round}: ${winners.length} of ${contenders} concurrent creates of one key were told that they won`,
        advice: 'never use this storage for a store: without conditional creates, commits are lost',
      }
  }
  return { ok: true, detail: `${rounds} rounds of ${contenders} concurrent creates, one winner each` }
}

export async function swapRace({ pointers, pk }: Probe): Promise<Outcome> {
  for (let rev = 0; rev < rounds; rev++) {
    const answers = await Promise.all(
      Array.from({ length: contenders }, (_, i) =>
        run(pointers.compareAndSet({ pk, sk: 'swap', attributes: { contender: i } }, rev)),
      ),
    )
    const winners = answers.flatMap((answer, i) => (answer.done ? [i] : []))
    const stored = await run(pointers.get(pk, 'swap'))
    if (winners.length !== 1 || stored?.attributes.contender !== winners[0] || stored?.rev !== rev + 1)
      return {
        ok: false,
        detail: `round ${rev + 1}: ${winners.length} of ${contenders} concurrent compare-and-sets were told that they won`,
        advice: 'never use this pointer store: it does not honour conditional writes',
      }
  }
  return { ok: true, detail: `${rounds} rounds of ${contenders} concurrent compare-and-sets, one winner each` }
}

export async function forwardOnly({ pointers, pk }: Probe): Promise<Outcome> {
  const head = (seq: number): Item => ({ pk, sk: 'head', attributes: { seq } })
  await run(pointers.compareAndSet(head(1), 0))
  const answers = [await run(pointers.advance(head(3))), await run(pointers.advance(head(2)))]
  const stored = await run(pointers.get(pk, 'head'))
  return verdict(
    answers.join() === 'advanced,ahead' && stored?.attributes.seq === 3,
    'a head moved from 1 to 3, and not back to 2',
    'never use this pointer store: a head could move backwards',
  )
}

export async function createSpeed({ blobs, prefix }: Probe): Promise<Outcome> {
  const bytes = Buffer.alloc(1024, 0x20)
  const times: number[] = []
  for (let i = 0; i < timedCreates; i++) {
    const start = performance.now()
    await run(blobs.createIfAbsent(`${prefix}speed/${i}`, bytes))
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const median = times[times.length >> 1] as number
  return verdict(
    median <= slowCreateMs,
    `${timedCreates} durable creates of 1 KiB: median ${median.toFixed(1)} ms, slowest ${(times.at(-1) as number).toFixed(1)} ms`,
    `a commit takes at least as long as a create; over ${slowCreateMs} ms is slow: look at the disk or the network`,
  )
}

/** Removes whatever the probes have left, as far as the storage lets it. */
export async function cleanUp({ blobs, pointers, prefix, pk }: Probe): Promise<void> {
  let after: string | undefined
  do {
    const page = await blobs.list(prefix, { after, limit: 1_000 })()
    const keys = page._tag === 'Left' ? [] : page.right.entries.map(({ key }) => key)
    if (keys.length > 0) await blobs.delete(keys)()
    // Ever onwards: a storage that deletes nothing must not hold this up for ever.
    after = keys.at(-1)
  } while (after !== undefined)
  await pointers.deleteByPrefix([pk])()
}
