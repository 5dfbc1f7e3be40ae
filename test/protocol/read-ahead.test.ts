/** Reading a log ahead is bounded in commits and in bytes, however large the commits are. */
import { describe, expect, test } from 'vitest'
import { memoryBlobStore } from '../../adapters/memory/index.js'
import { type ChainLink, commitFormat, encodeCommit, origin } from '../../domain/commit.js'
import { formatInstant } from '../../domain/instant.js'
import type { ByteRange } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { makeLogReader } from '../../src/read/log-reader.js'
import { epoch, quiet } from './hand-clock.js'
import { makeScript, type Script, scriptedBlobs } from './script.js'
import { logObject, logs, makeWorld } from './world.js'

const mebibyte = 1024 * 1024

/** Commits of one body each, in the commit itself. */
async function logOf(commits: number, bodyBytes: number) {
  const world = makeWorld()
  const limits = { maxInlineBytes: 8 * mebibyte, cacheBytes: 0 }
  const writer = await world.enter({ limits })
  const body = JSON.stringify({ text: 'x'.repeat(bodyBytes) })
  for (let n = 0; n < commits; n++) await writer.tenant.create('Note', body)
  const { tenant, blobs } = await world.enter({ limits })
  blobs.reset()
  return { world, tenant, blobs, body }
}

/** Bytes at hand of the commits beyond `seq`, each of which has `size`: what the longest read of each has brought. */
function bytesAhead({ calls }: Script, seq: number, size: number): number {
  const held = new Map<string, number>()
  for (const { method, key, args } of calls) {
    if (method !== 'get' || !logs.test(key) || key <= logObject(seq)) continue
    const { start, end } = (args[1] as ByteRange | undefined) ?? { start: 0, end: size }
    held.set(key, Math.max(held.get(key) ?? 0, Math.min(end, size) - start))
  }
  return [...held.values()].reduce((sum, bytes) => sum + bytes, 0)
}

describe('whoever reads commits with their bodies', () => {
  test('has eight of them at hand while they are small', async () => {
    const { tenant, blobs } = await logOf(20, 100)
    const commits = tenant.commits()[Symbol.asyncIterator]()
    for (let n = 0; n < 10; n++) await commits.next()
    await quiet()
    expect(blobs.count('get', logs)).toBe(17)
    await commits.return?.()
  })

  test('has at most 16 MiB ahead when they are large, and gets every byte all the same', async () => {
    const { tenant, blobs, body } = await logOf(12, 5 * mebibyte)
    const commits = tenant.commits()[Symbol.asyncIterator]()
    for (let n = 1; n <= 9; n++) {
      const { value } = await commits.next()
      expect(value.transactions[0].events[0].text()).toBe(body)
      await quiet()
      expect(bytesAhead(blobs, n, value.bytes)).toBeLessThanOrEqual(16 * mebibyte)
    }
    await commits.return?.()
  })
})

describe('whoever reads headers', () => {
  test('has at most 16 MiB of them ahead, and reads the rest of a longer one when its turn comes', async () => {
    const script = makeScript()
    const blobs = memoryBlobStore()
    let link = origin
    let size = 0
    for (let n = 1; n <= 20; n++) {
      const { bytes, commit } = largeHeader(link)
      await run(blobs.createIfAbsent(logObject(n), bytes))
      link = commit
      size = bytes.length
    }
    const log = makeLogReader({ tenant: 't', partition: 0, blobs: scriptedBlobs(blobs, script) })
    let seen = 0
    let most = 0
    for await (const { commit } of log.follow(origin)) {
      expect(commit.header.transactions[0]?.reason).toHaveLength(3 * mebibyte)
      await quiet()
      seen++
      most = Math.max(most, bytesAhead(script, seen, size))
    }
    expect(seen).toBe(20)
    expect(most).toBeLessThanOrEqual(16 * mebibyte)
  })
})

/** A commit without events, whose header line has over 3 MiB. */
function largeHeader({ seq, hash, at }: ChainLink) {
  const header = {
    format: commitFormat,
    log: 't/0',
    seq: seq + 1,
    id: '00000000-0000-7000-8000-000000000000',
    writer: 'test:1:1',
    at: formatInstant(Math.max(at, epoch) + 1),
    prev: hash,
    transactions: [{ id: `${seq + 1}-0`, reason: 'r'.repeat(3 * mebibyte), events: [] }],
  } as const
  return encodeCommit(header, new Uint8Array())
}
