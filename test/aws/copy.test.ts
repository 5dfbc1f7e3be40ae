/** A folder to S3 and back, by the command line, is the same log byte for byte: generated writes, and the HL7 examples. */
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore, type Store } from '../../src/index.js'
import { atStore, file, lines, newStore } from '../cli/harness.js'
import { files, missing, resourcesOf } from '../data/sources.js'
import { startFaultProxy } from '../servers/fault-proxy.js'
import { makePlace, urlOf } from './stores.js'
import { describeWorlds } from './worlds.js'

const limits = { maxInlineBytes: 2_000, maxCommitEvents: 7 }

/** Every object of a folder's store, by its path. */
function objectsOf(store: string): Map<string, string> {
  const root = join(store.slice('file:'.length), 'objects')
  const found = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = found.map(({ parentPath, name }) => join(parentPath, name)).sort()
  return new Map(paths.map((path) => [path.slice(root.length), readFileSync(path, 'latin1')]))
}

/** Updates, deletions, large bodies that are shared, request keys, and names that have to be encoded. */
async function live(store: Store, name: string, from: number, to: number): Promise<void> {
  const tenant = await store.tenant(name, { kind: 'json' })
  for (let n = from; n < to; n++) {
    const text = (n % 5 === 0 ? 'x'.repeat(3_000) : 'y').padEnd((n % 3) * 10, 'z')
    await tenant.update('Note', `a/${n % 7}`, { text }, { request: `r${n}`, actor: 'Ann' })
    if (n % 4 === 0) await tenant.delete('Note', `a/${(n + 3) % 7}`)
  }
}

async function filled(name: string, count: number): Promise<string> {
  const url = newStore()
  const store = await openStore(url, { limits })
  await live(store, name, 0, count)
  await store.close()
  return url
}

/** A sample of the examples, by as many loads as there are files. */
async function loadExamples(url: string, every: number): Promise<void> {
  const { others } = files()
  const resources = resourcesOf(others.at(-1) as string).filter((_, n) => n % every === 0)
  const path = files().common[0] as string
  const parts = Array.from({ length: 6 }, (_, part) => resources.filter((__, n) => n % 6 === part))
  const paths = parts.map((part) => file('part.ndjson', Buffer.from(part.map(({ text }) => text).join('\n'), 'latin1')))
  for (const each of [path, ...paths]) {
    const loaded = await atStore(url)(['load', each, '--tenant', 'clinic', '--json'])
    expect(JSON.parse(loaded.stdout), loaded.stderr).toMatchObject({ failed: 0, complete: true })
  }
}

async function copy(from: string, to: string): Promise<Array<Record<string, unknown>>> {
  const { code, stdout, stderr } = await atStore(from)(['copy', to, '--all', '--verify', '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return lines(stdout).map((line) => JSON.parse(line))
}

if (missing !== undefined) console.log(missing)

describeWorlds('a copy', (world) => {
  test('of a folder to S3 and back is the same, every byte of it, and so is what comes later', async () => {
    const [here, back] = [await filled('a b/c', 30), newStore()]
    if (missing === undefined) await loadExamples(here, world.name === 'moto' ? 20 : 2)
    const { url } = await makePlace(world)
    const heads = new Map<unknown, unknown>()
    for (const round of [0, 1]) {
      for (const [from, to] of [
        [here, url],
        [url, back],
      ] as const) {
        const reports = await copy(from, to)
        for (const { tenant, report, ...copied } of reports) {
          if (report !== undefined) expect(report).toMatchObject({ differences: 0 })
          else if (from === here) expect(copied.from).toBe(((heads.get(tenant) as number) ?? 0) + 1)
          if (report === undefined && to === back) heads.set(tenant, copied.to)
        }
        expect(reports).toHaveLength(missing === undefined ? 4 : 2)
      }
      const held = objectsOf(here)
      expect(held.size).toBeGreaterThan(30)
      expect([...held.keys()].some((key) => key.includes('/blobs/'))).toBe(true)
      expect(objectsOf(back)).toEqual(held)
      if (round === 1) break
      const store = await openStore(here, { limits })
      await live(store, 'a b/c', 30, 40)
      await store.close()
    }
    rmSync(join(back.slice('file:'.length), 'pointers'), { recursive: true })
    expect((await atStore(back)(['recover', '--all'])).code).toBe(0)
    expect((await atStore(back)(['verify', '--all'])).code).toBe(0)
  })

  test('over a line that fails ends equal, begun again as often as it has to be', async () => {
    const seed = randomInt(2 ** 31)
    const rates = { drop: 0.02, 'reset-after': 0.02, 'error-after': 0.02, 'reset-before': 0.02, throttle: 0.02 }
    const s3 = await startFaultProxy({ target: world.s3, seed, rates })
    const dynamodb = await startFaultProxy({ target: world.dynamodb, seed: seed + 1, rates })
    const here = await filled('t', 20)
    const place = await makePlace(world, { through: { s3: s3.url, dynamodb: dynamodb.url } })
    const source = await openStore(here)
    for (let tries = 1, done = false; !done; tries++) {
      expect(tries, `seed ${seed}`).toBeLessThan(20)
      const destination = await place.open({ aws: { maxAttempts: 2 } }).catch(() => undefined)
      if (destination === undefined) continue
      const report = await source.copy('t', destination).catch((error) => expect(error.retryable).toBe(true))
      done = report !== undefined
      await destination.close().catch(() => undefined)
    }
    await source.close()
    await Promise.all([s3.stop(), dynamodb.stop()])
    const back = newStore()
    const url = urlOf(world, place.bucket, place.table)
    expect((await atStore(url)(['copy', back, '--tenant', 't', '--verify'])).code).toBe(0)
    expect(objectsOf(back)).toEqual(objectsOf(here))
    expect((await atStore(url)(['verify', '--tenant', 't'])).code).toBe(0)
  })
})
