/** What an export holds: one snapshot, each resource once, byte for byte. */
import { describe, expect, test } from 'vitest'
import { exported, makePlace, sorted, stateAt, tightBounds } from './place.js'

const patient = (id: string, more = ''): string => `{"resourceType":"Patient","id":"${id}","value":1.10${more}}`

describe('an export', () => {
  test('holds every resource as it is, and nothing that is deleted', async () => {
    const store = await makePlace().open()
    const tenant = await store.tenant('t')
    await tenant.update('Patient', 'a', patient('a'))
    await tenant.update('Patient', 'b', patient('b'))
    await tenant.update('Patient', 'a', patient('a', ',"again":true'))
    await tenant.delete('Patient', 'b')
    await tenant.create('Basic', '{"resourceType":"Basic"}', { id: 'c' })
    await tenant.delete('Basic', 'c')
    await tenant.create('Basic', '{"resourceType":"Basic","revived":12345678901234567890}', { id: 'c' })
    const { status, resources, deleted, files } = await exported(tenant)
    expect([...resources.keys()].sort()).toEqual(['Basic/c', 'Patient/a'])
    expect(resources.get('Patient/a')).toBe((await tenant.read('Patient', 'a'))?.text())
    expect(resources.get('Basic/c')).toContain('12345678901234567890')
    expect(deleted).toEqual([])
    expect([...files.keys()]).toEqual(['output/Basic/part-1.ndjson', 'output/Patient/part-1.ndjson'])
    expect(status).toMatchObject({
      state: 'complete',
      transactionTime: (await tenant.head()).at,
      progress: { commits: 7, total: 7, resources: 2 },
    })
  })

  test('of an empty tenant is complete and has no parts', async () => {
    const tenant = await (await makePlace().open()).tenant('t')
    const { status } = await exported(tenant)
    expect(status).toMatchObject({ state: 'complete', parts: [], transactionTime: '1970-01-01T00:00:00.000000Z' })
  })

  test('is of the head at which it was asked for, whatever is written meanwhile', async () => {
    const tenant = await (await makePlace().open()).tenant('t')
    for (let n = 0; n < 20; n++) await tenant.update('Patient', `p${n % 7}`, patient(`p${n % 7}`, `,"n":${n}`))
    const job = await tenant.export()
    const { transactionTime } = await job.status()
    for (let n = 0; n < 20; n++) await tenant.update('Patient', `p${n % 9}`, patient(`p${n % 9}`, `,"late":${n}`))
    const { resources } = await exported(tenant, { id: job.id })
    expect(sorted(resources)).toEqual(sorted((await stateAt(tenant, transactionTime)).resources))
    expect([...resources.values()].join()).not.toContain('late')
  })

  test('has parts within their bounds, and the same bytes when it is made again', async () => {
    const place = makePlace()
    const tenant = await (await place.open(tightBounds)).tenant('t')
    for (let n = 0; n < 200; n++) {
      const type = n % 3 === 0 ? 'Patient' : 'Observation'
      await tenant.update(type, `r${n % 90}`, `{"resourceType":"${type}","n":${n},"text":"${'x'.repeat(n)}"}`)
    }
    const first = await exported(tenant)
    const until = first.status.transactionTime
    await tenant.update('Patient', 'late', patient('late'))
    const second = await exported(tenant, { until })
    expect([...second.files]).toEqual([...first.files])
    expect(first.files.size).toBeGreaterThan(20)
    for (const [name, text] of first.files) expect(text.length, name).toBeLessThanOrEqual(600)
    expect(sorted(first.resources)).toEqual(sorted((await stateAt(tenant, until)).resources))
  })

  test('tells its parts as they are written, and leaves a manifest of them', async () => {
    const place = makePlace()
    const tenant = await (await place.open(tightBounds)).tenant('t')
    for (let n = 0; n < 50; n++) await tenant.create('Patient', patient('x', `,"n":${n}`))
    const job = await tenant.export({ id: 'j' })
    const told: string[] = []
    // Each can be read as soon as it is told.
    for await (const { name, bytes } of job.parts())
      if ((await tenant.exports.read('j', name)).length === bytes) told.push(name)
    const { parts, transactionTime } = await job.done()
    expect(told.sort()).toEqual(parts.map(({ name }) => name).sort())
    expect(told.length).toBeGreaterThan(5)
    const manifest = JSON.parse((await place.objects('t/bulk/export/jobs/j/')).get('manifest.json') ?? '')
    expect(manifest).toEqual({
      transactionTime,
      requiresAccessToken: false,
      output: parts.map(({ name, count, bytes }) => ({ type: 'Patient', url: name, count, fileSize: bytes })),
      deleted: [],
      error: [],
    })
  })
})

describe('since and until', () => {
  test('an export since an instant holds what was changed at or after it, and tells of deletions', async () => {
    const tenant = await (await makePlace().open()).tenant('t')
    for (const id of ['a', 'b', 'c']) await tenant.update('Patient', id, patient(id))
    const first = await exported(tenant)
    await tenant.update('Patient', 'b', patient('b', ',"again":true'))
    await tenant.delete('Patient', 'a')
    await tenant.update('Patient', 'd', patient('d'))
    await tenant.delete('Patient', 'd')
    const second = await exported(tenant, { since: first.status.transactionTime })
    // The instant itself is in both.
    expect([...second.resources.keys()].sort()).toEqual(['Patient/b', 'Patient/c'])
    expect(second.deleted.sort()).toEqual(['Patient/a', 'Patient/d'])
    expect(second.status.progress).toMatchObject({ commits: 5 })
    const without = await exported(tenant, { since: first.status.transactionTime, deleted: false })
    expect(without.deleted).toEqual([])
    const nothing = await exported(tenant, { since: '2100-01-01' })
    expect([nothing.resources.size, nothing.deleted.length]).toEqual([0, 0])
  })

  test('an export until an instant is the state as it was then', async () => {
    const tenant = await (await makePlace().open()).tenant('t')
    const instants: string[] = []
    for (let n = 0; n < 12; n++) {
      if (n % 4 === 3) await tenant.delete('Patient', `p${n % 3}`)
      else await tenant.update('Patient', `p${n % 3}`, patient(`p${n % 3}`, `,"n":${n}`))
      instants.push((await tenant.head()).at)
    }
    for (const until of ['2000-01-01', ...instants]) {
      const { resources, status } = await exported(tenant, { until })
      expect(sorted(resources)).toEqual(sorted((await stateAt(tenant, until)).resources))
      expect(status.transactionTime).toBe(until === '2000-01-01' ? '2000-01-01T00:00:00.000000Z' : until)
    }
    const [since, until] = [instants[5] as string, instants[8] as string]
    const { resources, deleted } = await exported(tenant, { since, until })
    const expected = await stateAt(tenant, until, since)
    expect(sorted(resources)).toEqual(sorted(expected.resources))
    expect(deleted.sort()).toEqual(expected.deleted)
  })
})

describe('a tenant of plain documents', () => {
  test('is exported with names of any kind, each in its place', async () => {
    const place = makePlace()
    const tenant = await (await place.open()).tenant('t', { kind: 'json' })
    const names = ['../..', '..', 'a/b', 'ä ö', '%2e', '__proto__', 'constructor', '\'"<>&;`|']
    for (const name of names) await tenant.update(name, name, JSON.stringify({ id: name, n: 1 }))
    await tenant.update('gone', 'x/y', '{}')
    const before = (await tenant.head()).at
    await tenant.delete('gone', 'x/y')
    const { resources } = await exported(tenant, { id: '../../j' })
    expect([...resources.keys()].sort()).toEqual(names.map((name) => `${name}/${name}`).sort())
    for (const key of (await place.objects('')).keys()) expect(key).toMatch(/^(t\/|annals\.json)/)
    const keys = [...(await place.objects('t/bulk/')).keys()]
    expect(keys.length).toBe(names.length + 2)
    for (const key of keys)
      expect(key).toMatch(/^export\/jobs\/%2E.%2F..%2Fj\/(output\/[^/]+\/part-1\.ndjson|\w+\.json)$/)
    const { deleted } = await exported(tenant, { since: before })
    expect(deleted).toEqual(['gone/x%2Fy'])
  })
})
