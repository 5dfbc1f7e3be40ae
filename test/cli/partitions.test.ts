/** A tenant of several logs at the command line. */
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { atStore, newStore } from './harness.js'

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

test('is loaded, counted, listed log by log, checked and projected', async () => {
  const url = newStore()
  const annals = atStore(url)
  const input = Array.from({ length: 30 }, (_, n) => JSON.stringify({ resourceType: 'Patient', id: `p${n}` })).join(
    '\n',
  )
  const loaded = await annals('load - --partitions 3 --json', { stdin: input })
  expect(JSON.parse(loaded.stdout)).toMatchObject({ read: 30, created: 30, failed: 0, complete: true })
  const again = await annals('load - --json', { stdin: input })
  expect(JSON.parse(again.stdout)).toMatchObject({ unchanged: 30, created: 0 })

  const stats = JSON.parse((await annals('stats --json')).stdout)
  expect(stats).toMatchObject({ events: 30, resources: 30, commits: stats.head.seq })
  let events = 0
  for (const partition of [0, 1, 2]) {
    const own = JSON.parse((await annals(`stats --partition ${partition} --json`)).stdout)
    expect(own.events).toBeGreaterThan(0)
    expect(lines((await annals(`log --partition ${partition}`)).stdout)).toHaveLength(own.commits)
    events += own.events
  }
  expect(events).toBe(30)
  expect(lines((await annals('history --count 50')).stdout)).toHaveLength(30)
  expect(await annals('projections run')).toMatchObject({ code: 0 })
  const places = lines((await annals('projections list')).stdout).map((line) => line.split('\t').slice(0, 2))
  expect(places).toEqual(['default', 'default/1', 'default/2'].map((place) => [place, 'current-index']))
  const verified = JSON.parse((await annals('verify --deep --json')).stdout)
  expect(verified.report).toMatchObject({ events: 30, differences: 0 })
})

test('says what is of one log, and reverts in it', async () => {
  const url = newStore()
  const store = await openStore(url)
  const tenant = await store.tenant('default', { kind: 'json', partitions: 2 })
  await tenant.update('Note', 'n', '{}')
  const partition = tenant.partitionOf('Note', 'n')
  await store.close()
  const annals = atStore(url)
  expect(await annals('revert 1-0')).toMatchObject({ code: 2, stderr: expect.stringContaining('--partition') })
  expect(await annals(`revert 1-0 --partition ${1 - partition}`)).toMatchObject({ code: 2 })
  expect(await annals(`revert 1-0 --partition ${partition}`)).toMatchObject({ code: 0 })
  expect(await annals('stats --partition 2')).toMatchObject({ code: 2, stderr: expect.stringContaining('0 to 1') })
  expect(await annals('stats --partition 64')).toMatchObject({ code: 2 })
  expect(await annals('verify --partition 1')).toMatchObject({ code: 2, stderr: expect.stringContaining('all logs') })
  expect(await annals('put Note/n - --partitions 3', { stdin: '{}' })).toMatchObject({ code: 2 })
})
