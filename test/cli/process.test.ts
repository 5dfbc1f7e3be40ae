/** The real program: pipes that close, Ctrl-C, and a load that is killed. */
import { describe, expect, test } from 'vitest'
import { makeProgressKeeper } from '../../src/cli/load/resume.js'
import { openStore } from '../../src/index.js'
import { atStore, ended, file, lines, newStore, patients, start, summary } from './harness.js'

async function filled(count: number) {
  const store = newStore()
  const annals = atStore(store)
  await annals(['load', file('x.ndjson', patients(count).join('\n'))])
  return { store, annals }
}

/** Resolves when a load of the path has kept how far it has come. */
async function progressKept(url: string, path: string): Promise<void> {
  const store = await openStore(url)
  const keeper = makeProgressKeeper(await store.tenant('default'), [path], { kind: 'fhir' })
  await expect.poll(() => keeper.find(), { timeout: 60_000 }).toBeDefined()
  await store.close()
}

describe('a process', () => {
  test('ends quietly when its reader goes away', async () => {
    const { store } = await filled(20_000)
    const child = start(['history', '--count', '20000', '--store', store])
    child.stdout?.once('data', () => child.stdout?.destroy())
    expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
  })

  test('stops at Ctrl-C with 130', async () => {
    const { store } = await filled(1)
    const child = start(['log', '--follow', '--store', store])
    child.stdout?.once('data', () => child.kill('SIGINT'))
    const { code, stdout, stderr } = await ended(child)
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    expect(lines(stdout)).toHaveLength(1)
  })

  test('is killed in a load, and the next load goes on where it stopped', async () => {
    const store = newStore()
    const annals = atStore(store)
    const path = file('x.ndjson', patients(80_000).join('\n'))
    const child = start(['load', path, '--store', store])
    const end = ended(child)
    await progressKept(store, path)
    child.kill('SIGKILL')
    expect((await end).code).toBeNull()
    const resumed = summary(await annals(['load', path, '--json']))
    expect(resumed).toMatchObject({ read: 80_000, failed: 0, complete: true })
    expect(resumed.resumed).toBeGreaterThan(0)
    expect((resumed.created ?? 0) + (resumed.unchanged ?? 0)).toBe(80_000)
    expect(JSON.parse((await annals('stats --json')).stdout)).toMatchObject({ events: 80_000, live: 80_000 })
    expect((await annals('verify')).code).toBe(0)
  })

  test('stops a load at Ctrl-C, and goes on with several files', async () => {
    const store = newStore()
    const annals = atStore(store)
    const all = patients(60_000)
    const paths = [0, 1, 2].map((n) => file(`${n}.ndjson`, all.slice(n * 20_000, (n + 1) * 20_000).join('\n')))
    const child = start(['load', ...paths, '--store', store])
    const end = ended(child)
    await expect
      .poll(async () => (await annals('stats --json')).stdout, { timeout: 60_000, interval: 100 })
      .toMatch(/"commits":\d/)
    child.kill('SIGINT')
    expect((await end).code).toBe(130)
    const resumed = summary(await annals(['load', ...paths, '--json']))
    expect(resumed).toMatchObject({ read: 60_000, created: 60_000, sources: 3, complete: true })
    expect(summary(await annals(['load', ...paths, '--json']))).toMatchObject({ resumed: 0, unchanged: 60_000 })
  })
})
