/** The log backwards: each commit once, in one request, held against the chain, and never more than 16 MiB ahead. */
import { describe, expect, test } from 'vitest'
import { memoryBlobStore } from '../../adapters/memory/index.js'
import { type ChainLink, commitFormat, encodeCommit, origin } from '../../domain/commit.js'
import { formatInstant } from '../../domain/instant.js'
import type { BlobStore, ByteRange } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { BackOptions } from '../../src/read/back.js'
import { makeLogReader } from '../../src/read/log-reader.js'
import { epoch, quiet } from './hand-clock.js'
import { makeScript, scriptedBlobs } from './script.js'
import { failure, logObject } from './world.js'

const mebibyte = 1024 * 1024

/** A log of commits whose objects have about these many bytes, with the header line of about so many. */
async function logOf(sizes: ReadonlyArray<number>, headerBytes = 0) {
  const blobs = memoryBlobStore()
  let head: ChainLink = origin
  for (const size of sizes) {
    const { bytes, commit } = madeCommit(head, size, headerBytes)
    await run(blobs.createIfAbsent(logObject(commit.seq), bytes))
    head = commit
  }
  const script = makeScript()
  const log = makeLogReader({ tenant: 't', partition: 0, blobs: scriptedBlobs(blobs, script) })
  return { blobs, head, script, log }
}

function madeCommit({ seq, hash, at }: ChainLink, size: number, headerBytes: number) {
  const header = {
    format: commitFormat,
    log: 't/0',
    seq: seq + 1,
    id: '00000000-0000-7000-8000-000000000000',
    writer: 'test:1:1',
    at: formatInstant(Math.max(at, epoch) + 1),
    prev: hash,
    transactions: [{ id: `${seq + 1}-0`, reason: 'r'.repeat(headerBytes), events: [] }],
  } as const
  return encodeCommit(header, Buffer.alloc(size, 'x'))
}

type Log = Awaited<ReturnType<typeof logOf>>

/** The numbers of the commits in the order of the walk, and whether all were there whole. */
async function walked({ log, head }: Log, options: BackOptions) {
  const seqs: number[] = []
  let whole = true
  for await (const opened of log.back(head, options)) {
    seqs.push(opened.commit.seq)
    whole &&= opened.whole
  }
  return { seqs, whole }
}

const down = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, i) => from - i)

describe('the log backwards', () => {
  test.each([
    ['small', 100],
    ['of a megabyte', mebibyte],
    ['of five', 5 * mebibyte],
    ['of over the room for reading ahead', 13 * mebibyte],
  ])('costs one request for each commit, if they are %s', async (_, size) => {
    const log = await logOf(Array(40).fill(size))
    expect(await walked(log, { whole: true })).toEqual({ seqs: down(40, 1), whole: true })
    expect(log.script.count('get')).toBe(40)
  })

  test('shows the beginning of a commit that is larger than all before it', async () => {
    const log = await logOf([100, 3 * mebibyte, 100, 100])
    expect(await walked(log, { whole: true })).toEqual({ seqs: down(4, 1), whole: false })
    expect(log.script.count('get')).toBe(4)
  })

  test('ends where it is told to, and has read little more when it is left', async () => {
    const log = await logOf(Array(100).fill(100))
    expect((await walked(log, { whole: true, to: 98 })).seqs).toEqual([100, 99, 98])
    expect(log.script.count('get')).toBe(3)
    log.script.reset()
    for await (const { commit } of log.log.back(log.head, { whole: true })) if (commit.seq === 98) break
    await quiet()
    expect(log.script.count('get')).toBeLessThanOrEqual(6)
  })

  test('reads headers only, if bodies are not asked for', async () => {
    const log = await logOf([5 * mebibyte, 5 * mebibyte, 5 * mebibyte])
    expect((await walked(log, {})).seqs).toEqual([3, 2, 1])
    for (const { args } of log.script.calls) expect((args[1] as ByteRange).end).toBe(64 * 1024)
  })

  test('reads header lines of any length', async () => {
    const log = await logOf(Array(20).fill(10), 3 * mebibyte)
    for (const whole of [true, false]) expect((await walked(log, { whole })).seqs).toEqual(down(20, 1))
  })

  test.each([[100], [mebibyte], [5 * mebibyte]])('has at most 16 MiB ahead of commits of %i bytes', async (size) => {
    const log = await logOf(Array(30).fill(size))
    let most = 0
    for await (const { commit } of log.log.back(log.head, { whole: true })) {
      await quiet()
      const below = log.script.calls.filter(({ key }) => key < logObject(commit.seq))
      most = Math.max(most, below.length)
    }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(16)
    expect(most * size).toBeLessThanOrEqual(16 * mebibyte)
  })
})

describe('the log backwards refuses', () => {
  const replace = (blobs: BlobStore, seq: number, change: (text: string) => string): Promise<void> =>
    run(blobs.get(logObject(seq))).then((blob) =>
      run(blobs.put(logObject(seq), Buffer.from(change(Buffer.from(blob?.bytes ?? []).toString())))),
    )

  test('a head of another hash', async () => {
    const log = await logOf([10, 10])
    const head = { ...log.head, hash: 'f'.repeat(64) }
    expect(await failure(walked({ ...log, head }, {}))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(2) } })
  })

  test('a commit that was changed after the next one was written', async () => {
    const log = await logOf([10, 10, 10])
    await replace(log.blobs, 2, (text) => text.replace('test:1:1', 'test:1:2'))
    expect(await failure(walked(log, { whole: true }))).toMatchObject({ _tag: 'Corrupt' })
  })

  test('a commit of another log or number, and one that is missing', async () => {
    const log = await logOf([10, 10, 10])
    await replace(log.blobs, 2, (text) => text.replace('"t/0"', '"u/0"'))
    expect(await failure(walked(log, {}))).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(2) } })
    const missing = await logOf([10, 10, 10])
    const absent = async () => ({ _tag: 'Right', right: undefined }) as const
    const blobs: BlobStore = {
      ...missing.blobs,
      get: (key, range) => (key === logObject(2) ? absent : missing.blobs.get(key, range)),
    }
    const reader = makeLogReader({ tenant: 't', partition: 0, blobs })
    expect(await failure(walked({ ...missing, log: reader }, {}))).toMatchObject({
      _tag: 'Corrupt',
      data: { key: logObject(2), problem: expect.stringContaining('missing') },
    })
  })
})
