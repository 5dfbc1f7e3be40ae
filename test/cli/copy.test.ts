/** `annals copy`: elsewhere, again, back, checked, and followed. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { followAll } from '../../src/cli/copy/standbys.js'
import { openStore } from '../../src/index.js'
import { atStore, ended, file, lines, newStore, patient, patients, start, tempFolder } from './harness.js'

const folderOf = (store: string): string => join(store.slice('file:'.length), 'objects')

/** Every object of a store, by its path. */
function objectsOf(store: string): Map<string, string> {
  const found = readdirSync(folderOf(store), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = found.map(({ parentPath, name }) => join(parentPath, name)).sort()
  return new Map(paths.map((path) => [path.slice(folderOf(store).length), readFileSync(path, 'latin1')]))
}

async function filled(count = 3) {
  const store = newStore()
  const annals = atStore(store)
  for (const line of patients(count)) await annals('put Patient', { stdin: line })
  return { store, annals }
}

describe('copy', () => {
  test('makes the destination, takes only what is new the next time, and brings it back', async () => {
    const { store, annals } = await filled()
    const backup = newStore()
    const first = await annals(['copy', backup])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^copied 'default': 3 commits \(1 to 3\), 3 events, \d.* in \d.*s\n$/)
    expect(objectsOf(backup)).toEqual(objectsOf(store))

    await annals('put Patient', { stdin: patient('p0', { n: 2 }) })
    const again = JSON.parse((await annals(['backup', backup, '--json'])).stdout)
    expect(again).toEqual({
      ...{ tenant: 'default', commits: 1, events: 1, blobs: 0, from: 4, to: 4 },
      bytes: expect.any(Number),
    })
    expect((await annals(['copy', backup])).stdout).toBe(
      "copied 'default': nothing new, the destination is at commit 4\n",
    )

    rmSync(store.slice('file:'.length), { recursive: true })
    expect((await atStore(backup)(['copy', store, '--verify'])).code).toBe(0)
    expect(objectsOf(store)).toEqual(objectsOf(backup))
    expect((await annals('get Patient/p0')).stdout).toContain('"n":2')
    expect((await annals('verify')).code).toBe(0)
  })

  test('takes every tenant with --all', async () => {
    const { annals, store } = await filled(1)
    await annals('put Patient --tenant other', { stdin: patient('p1') })
    const backup = newStore()
    const copied = await annals(['copy', backup, '--all', '--json'])
    expect(lines(copied.stdout).map((line) => JSON.parse(line).tenant)).toEqual(['default', 'other'])
    expect(objectsOf(backup)).toEqual(objectsOf(store))
  })

  test('verifies the destination, and names what differs there', async () => {
    const { annals } = await filled()
    const backup = newStore()
    const clean = await annals(['copy', backup, '--verify', '--json'])
    expect(lines(clean.stdout).map((line) => JSON.parse(line))).toMatchObject([
      { tenant: 'default', commits: 3 },
      { tenant: 'default', report: { commits: 3, differences: 0 } },
    ])
    const [path = ''] = [...objectsOf(backup).keys()].filter((each) => each.endsWith('2.ndjson'))
    const bytes = readFileSync(join(folderOf(backup), path))
    writeFileSync(join(folderOf(backup), path), bytes.fill('x', bytes.length - 5, bytes.length - 3))
    const damaged = await annals(['copy', backup, '--verify'])
    expect(damaged.code).toBe(1)
    expect(damaged.stdout).toMatch(/^body-damaged\tdefault\/log\/0\/0*2\.ndjson\t/)
    expect(damaged.stdout).toMatch(/nothing new[\s\S]*failed\t'default': 3 commits/)
  })

  test('refuses a destination that has diverged, with exit code 1', async () => {
    const [{ annals }, other] = [await filled(), await filled()]
    const refused = await annals(['copy', other.store])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /^annals: default\/0: the destination is no earlier state of the source from commit 1/,
    )
    expect(JSON.parse((await annals(['copy', other.store, '--json'])).stderr)).toMatchObject({
      tag: 'Diverged',
      seq: 1,
    })
  })

  test('refuses what makes no sense, and writes to no place that is no store', async () => {
    const { annals, store } = await filled(1)
    expect((await annals(['copy', store])).stderr).toMatch(/the destination is the store itself/)
    expect((await annals(['copy', newStore(), '--verify', '--follow'])).code).toBe(2)
    expect((await annals(['copy', 'ftp://x'])).stderr).toMatch(/is no store URL/)
    expect((await annals(['copy', newStore(), '--tenant', 'nobody'])).stderr).toMatch(/there is no tenant 'nobody'/)
    const place = tempFolder()
    mkdirSync(join(place, 'photos'))
    const refused = await annals(['copy', `file:${place}`])
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('is no Annals store') })
    expect(refused.stderr).not.toContain('annals load')
    expect(readdirSync(place)).toEqual(['photos'])
  })

  test('rebuilds the pointers of a destination that has lost them', async () => {
    const { annals } = await filled()
    const backup = newStore()
    await annals(['copy', backup])
    rmSync(join(backup.slice('file:'.length), 'pointers'), { recursive: true })
    await annals('put Patient', { stdin: patient('p9') })
    expect((await annals(['copy', backup, '--verify'])).code).toBe(0)
    expect((await atStore(backup)('get Patient/p9')).code).toBe(0)
  })

  test('shows how far it is, on a terminal', async () => {
    const { annals } = await filled()
    const { stderr } = await annals(['copy', newStore()], { terminal: true })
    expect(stderr).toMatch(/'default': commit \d of 3, \d events?, .*B, .*\/s/)
  })
})

describe('copy as a process', () => {
  test('follows until Ctrl-C', async () => {
    const { store, annals } = await filled(2)
    const backup = newStore()
    const child = start(['copy', backup, '--follow', '--store', store])
    const end = ended(child)
    const head = async (): Promise<number> => {
      const standby = await openStore(backup, { create: false }).catch(() => undefined)
      const tenant = await standby?.tenant('default', { create: false }).catch(() => undefined)
      const seq = (await tenant?.head())?.seq ?? 0
      await standby?.close()
      return seq
    }
    await expect.poll(head, { timeout: 60_000 }).toBe(2)
    await annals('put Patient', { stdin: patient('later') })
    await expect.poll(head, { timeout: 60_000 }).toBe(3)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await end
    expect({ code, stdout }).toEqual({ code: 130, stdout: expect.stringMatching(/3 commits \(1 to 3\)/) })
    expect(stderr).toContain('the same command goes on from here')
    expect(objectsOf(backup)).toEqual(objectsOf(store))
  })

  test('of several at once to one place, killed and not, ends equal', async () => {
    const store = newStore()
    const annals = atStore(store)
    await annals(['load', file('x.ndjson', patients(20_000).join('\n'))])
    const backup = newStore()
    const children = Array.from({ length: 3 }, () => start(['copy', backup, '--store', store]))
    const ends = children.map(ended)
    await expect.poll(() => commitsIn(backup), { timeout: 60_000, interval: 5 }).toBeGreaterThan(2)
    children[0]?.kill('SIGKILL')
    expect((await Promise.all(ends)).map(({ code }) => code).slice(1)).toEqual([0, 0])
    expect(objectsOf(backup)).toEqual(objectsOf(store))
    expect((await atStore(backup)('verify')).code).toBe(0)
  })
})

const commitsIn = (store: string): number => {
  try {
    return readdirSync(join(folderOf(store), 'default/log/0')).length
  } catch {
    return 0
  }
}

describe('standbys of all tenants', () => {
  /** Looks for tenants when the test says so. */
  function standbys(names: string[]) {
    const stop = new AbortController()
    const followed: string[] = []
    const failing = new Map<string, (error: Error) => void>()
    let look = (): void => undefined
    let looked = (): void => undefined
    const ended = followAll({
      tenants: async function* () {
        yield* names
      },
      follow: (tenant, signal) => {
        followed.push(tenant)
        return new Promise((resolve, reject) => {
          failing.set(tenant, reject)
          signal.addEventListener('abort', () => resolve())
        })
      },
      sleep: (_, signal) =>
        new Promise((resolve) => {
          look = resolve
          signal.addEventListener('abort', () => resolve())
          looked()
        }),
      signal: stop.signal,
    })
    ended.catch(() => undefined)
    const lookAgain = async (): Promise<void> => {
      const next = new Promise<void>((resolve) => {
        looked = resolve
      })
      look()
      await next
    }
    return { stop, followed, failing, ended, lookAgain }
  }

  test('begin when a tenant comes, once each, and end together', async () => {
    const names = ['a', 'b']
    const { stop, followed, ended, lookAgain } = standbys(names)
    await new Promise(setImmediate)
    expect(followed).toEqual(['a', 'b'])
    names.push('c')
    await lookAgain()
    await lookAgain()
    expect(followed).toEqual(['a', 'b', 'c'])
    stop.abort()
    await ended
  })

  test('end all when one fails, with what it failed with', async () => {
    const { failing, ended } = standbys(['a', 'b'])
    await new Promise(setImmediate)
    failing.get('b')?.(new Error('diverged'))
    await expect(ended).rejects.toThrow('diverged')
  })
})
