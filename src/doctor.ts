/**
 * Checks, at any endpoint and through the ports alone, that the storage keeps what the protocol relies on. Some clones of
 * object stores answer "created" to several of many concurrent creates, which would lose commits.
 *
 * Probes have keys that no tenant can have, and are removed again.
 */
import { randomBytes } from 'node:crypto'
import { sha256 } from '../domain/commit.js'
import { isAnnalsError } from '../domain/error.js'
import { formatInstant } from '../domain/instant.js'
import { headPk, headSk } from '../domain/keys.js'
import { headFromItem } from '../domain/pointer.js'
import type { Item } from '../domain/ports/index.js'
import { run } from '../domain/task.js'
import type { DoctorFinding, DoctorOptions, DoctorReport } from './api.js'
import type { Limits } from './limits.js'
import { makeLogReader } from './read/log-reader.js'
import type { Adapters } from './store.js'

export interface DoctorDeps extends Pick<Adapters, 'blobs' | 'pointers' | 'clock' | 'ids'> {
  readonly limits: Limits
  readonly tenants: () => AsyncIterable<string>
}

/** What the checks share: a folder of keys, and a partition of items, of their own. */
interface Probe extends DoctorDeps {
  readonly prefix: string
  readonly pk: string
}

interface Outcome {
  readonly ok: boolean
  readonly detail: string
  readonly advice?: string
}

const rounds = 5
const contenders = 64
const roundTripBytes = 1024 * 1024
const timedCreates = 20
const slowCreateMs = 250

export async function examine(deps: DoctorDeps, options: DoctorOptions = {}): Promise<DoctorReport> {
  const id = deps.ids.uuid()
  const probe: Probe = { ...deps, prefix: `%doctor/${id}/`, pk: `D#%doctor#${id}` }
  const findings: DoctorFinding[] = []
  const check = async (name: string, body: () => Promise<Outcome>): Promise<void> => {
    if (options.signal?.aborted !== true) findings.push({ check: name, ...(await outcomeOf(body)) })
  }
  try {
    await check('write, read, delete', () => writeReadDelete(probe))
    await check('bytes survive', () => roundTrip(probe))
    await check('ranged reads', () => rangedReads(probe))
    await check('list after write', () => listAfterWrite(probe))
    await check('one winner of a create', () => createRace(probe))
    await check('one winner of a swap', () => swapRace(probe))
    await check('heads only advance', () => forwardOnly(probe))
    await check('speed of a create', () => createSpeed(probe))
  } finally {
    await cleanUp(probe)
  }
  for await (const tenant of options.tenant === undefined ? deps.tenants() : [options.tenant])
    await check(`tenant ${tenant}`, () => tenantHealth(deps, tenant))
  return { ok: findings.every(({ ok }) => ok), findings }
}

/** A failure of the storage is the finding; a defect goes on. */
async function outcomeOf(body: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await body()
  } catch (error) {
    if (!isAnnalsError(error)) throw error
    return {
      ok: false,
      detail: error.message,
      advice: 'see that the storage can be reached, and may be read and written',
    }
  }
}

const verdict = (ok: boolean, detail: string, advice: string): Outcome => (ok ? { ok, detail } : { ok, detail, advice })

async function writeReadDelete({ blobs, prefix }: Probe): Promise<Outcome> {
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

async function roundTrip({ blobs, prefix }: Probe): Promise<Outcome> {
  const bytes = randomBytes(roundTripBytes)
  await run(blobs.createIfAbsent(`${prefix}bytes`, bytes))
  const read = await run(blobs.get(`${prefix}bytes`))
  return verdict(
    read !== undefined && sha256(read.bytes) === sha256(bytes),
    read === undefined ? 'nothing came back' : `${read.bytes.length} of ${bytes.length} bytes came back`,
    'something between here and the storage changes bytes: look for a proxy, a compression or a text conversion',
  )
}

async function rangedReads({ blobs, prefix }: Probe): Promise<Outcome> {
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

async function listAfterWrite({ blobs, prefix }: Probe): Promise<Outcome> {
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
async function createRace({ blobs, prefix }: Probe): Promise<Outcome> {
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

async function swapRace({ pointers, pk }: Probe): Promise<Outcome> {
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

async function forwardOnly({ pointers, pk }: Probe): Promise<Outcome> {
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

async function createSpeed({ blobs, prefix }: Probe): Promise<Outcome> {
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

/** The head against the log, and the clock against the last commit. */
async function tenantHealth({ blobs, pointers, clock, limits }: DoctorDeps, tenant: string): Promise<Outcome> {
  const log = makeLogReader({ tenant, partition: 0, blobs })
  const item = await run(pointers.get(headPk(tenant, 0), headSk))
  const end = await log.findHead(0)
  const last = end === 0 ? undefined : await log.open(end)
  if (item === undefined && end > 0)
    return {
      ok: false,
      detail: `the log has ${end} commits, and its pointers are gone`,
      advice: "run 'annals recover'",
    }
  const head = item === undefined ? { seq: 0, hash: '' } : headFromItem(item)
  if (head.seq > end)
    return {
      ok: false,
      detail: `the head says ${head.seq}, the log ends at ${end}`,
      advice: "restore the log that belongs to these pointers, or run 'annals recover' to trust the log alone",
    }
  if (head.seq === end && last !== undefined && last.commit.hash !== head.hash)
    return {
      ok: false,
      detail: `the head has another hash than commit ${end}`,
      advice: "restore the log that belongs to these pointers, or run 'annals recover' to trust the log alone",
    }
  const ahead = last === undefined ? 0 : (last.commit.at - clock.now()) / 1000
  if (last !== undefined && ahead > limits.maxClockSkewMs)
    return {
      ok: false,
      detail: `the last commit is of ${formatInstant(last.commit.at)}, this machine's clock says ${formatInstant(clock.now())}`,
      advice: 'set the clock of this machine right; no commit is written before',
    }
  const behind = head.seq < end ? `; the head is at ${head.seq}, and opening the tenant brings it forward` : ''
  return { ok: true, detail: `the log ends at commit ${end}, and the clock agrees with it${behind}` }
}

async function cleanUp({ blobs, pointers, prefix, pk }: Probe): Promise<void> {
  for (;;) {
    const page = await blobs.list(prefix, { limit: 1_000 })()
    if (page._tag === 'Left' || page.right.entries.length === 0) break
    const deleted = await blobs.delete(page.right.entries.map(({ key }) => key))()
    if (deleted._tag === 'Left') break
  }
  await pointers.deleteByPrefix(pk)()
}
