/** Pages of histories and lists over real HTTP: what no write moves, and what bounds them. */
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { all, linkOf, type Page } from './pages.js'
import { codesOf, type Running, running } from './server.js'

async function filled(): Promise<Running> {
  const server = await running()
  for (let n = 0; n < 5; n++)
    await server.ask('PUT', `Patient/p${n}`, {
      body: { resourceType: 'Patient', id: `p${n}`, identifier: [{ system: 's', value: `${n % 2}` }] },
    })
  await server.ask('POST', 'Observation', { body: '{"resourceType":"Observation","valueDecimal":1.10}' })
  await server.ask('DELETE', 'Patient/p4')
  return server
}

describe('a history', () => {
  test('goes on by its links, and no write moves its pages', async () => {
    const server = await filled()
    const write = () => server.ask('POST', 'Patient', { body: { resourceType: 'Patient' } })
    const pages = await all(server, '_history?_count=2', write)
    expect(pages.map(({ entry }) => entry?.length)).toEqual([2, 2, 2, 1])
    expect(
      new Set(pages.flatMap(({ entry = [] }) => entry.map(({ fullUrl, response }) => fullUrl + response.etag))).size,
    ).toBe(7)
    for (const page of pages) {
      expect(linkOf(page, 'self')).toContain('_count=2')
      expect(linkOf(page, 'first')).toBe(`${server.base}/_history?_count=2`)
    }
    expect(linkOf(pages[0] as Page, 'next')).toContain('_count=2&_page=')
  })

  test('ends a page where its bodies are large together, and goes on with the others', async () => {
    const server = await running({}, await openStore('memory:', { limits: { maxPageBytes: 5_000 } }))
    const sizes = [1_000, 1_000, 9_000, 2_000, 3_000, 1_000]
    for (const [n, size] of sizes.entries())
      await server.ask('PUT', `Basic/b${n}`, {
        body: { resourceType: 'Basic', id: `b${n}`, language: 'x'.repeat(size) },
      })
    for (const size of sizes)
      await server.ask('PUT', 'Basic/b0', { body: { resourceType: 'Basic', id: 'b0', language: 'x'.repeat(size) } })
    for (const [path, count] of [
      ['_history', 12],
      ['Basic/_history?_sort=_lastUpdated', 12],
      ['Basic/b0/_history', 7],
      ['Basic', 6],
    ] as const) {
      const pages = await all(server, path)
      expect(new Set(pages.flatMap(({ entry = [] }) => entry.map((each) => JSON.stringify(each)))).size, path).toBe(
        count,
      )
      for (const { entry = [] } of pages)
        if (entry.length > 1) expect(JSON.stringify(entry.map(({ resource }) => resource)).length).toBeLessThan(5_500)
      expect(pages.length).toBeGreaterThan(2)
    }
  })
})

describe('a history by _sort', () => {
  test('comes newest first, or oldest first in pages that no write moves', async () => {
    const server = await filled()
    const seen = (pages: Page[]) =>
      pages.flatMap(({ entry = [] }) => entry.map(({ fullUrl, response }) => fullUrl + response.etag))
    for (const path of ['_history', 'Patient/_history', 'Patient/p4/_history']) {
      const newest = seen(await all(server, path))
      for (const sort of ['-_lastUpdated', 'none'])
        expect(seen(await all(server, `${path}?_sort=${sort}`))).toEqual(newest)
      const write = () => server.ask('PUT', 'Patient/p4', { body: { resourceType: 'Patient', id: 'p4' } })
      const oldest = await all(server, `${path}?_sort=_lastUpdated&_count=1`, write)
      expect(seen(oldest)).toEqual(newest.reverse())
      expect(linkOf(oldest[0] as Page, 'self')).toBe(`${server.base}/${path}?_sort=_lastUpdated&_count=1`)
      await write()
    }
  })
})

describe('a list', () => {
  test('of a type, by GET and by POST, in stable pages', async () => {
    const server = await filled()
    const pages = await all(server, 'Patient?_count=3', () => server.ask('DELETE', 'Patient/p3'))
    expect(pages.map(({ entry = [] }) => entry.map(({ resource }) => resource.id))).toEqual([
      ['p0', 'p1', 'p2'],
      ['p3'],
    ])
    expect((await all(server, 'Patient'))[0]).toMatchObject({ type: 'searchset', total: 3 })
    const posted = await server.ask('POST', 'Patient/_search', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'identifier=s%7C1&_count=5',
    })
    expect(
      posted.body.entry.map(({ resource, search }: { resource: { id: string }; search: object }) => [
        resource.id,
        search,
      ]),
    ).toEqual([['p1', { mode: 'match' }]])
  })

  test('by a condition, in pages of one instant that hold no more than is asked for', async () => {
    const server = await filled()
    const ids = (pages: Page[]) => pages.map(({ entry = [] }) => entry.map(({ resource }) => resource.id))
    for (const query of ['identifier=s|0,s|1', '_id=p0,p1,p2,p3,p4', 'identifier=s|0,s|1&_lastUpdated=ge2001-01-01']) {
      const path = `Patient?${query}&_count=1`
      const pages = await all(server, path, () =>
        server.ask('PUT', 'Patient/p2a', {
          body: { resourceType: 'Patient', id: 'p2a', identifier: [{ system: 's', value: '0' }] },
        }),
      )
      const expected = ['p0', 'p1', 'p2', 'p3']
      expect(ids(pages)).toEqual(expected.map((id) => [id]))
      expect(new Set(pages.map(({ total }) => total)).size).toBe(1)
      await server.ask('DELETE', 'Patient/p2a')
    }
    const none = await server.ask('GET', 'Patient?identifier=s|0&_count=0')
    expect([none.body.entry, none.body.total]).toEqual([undefined, 2])
    expect((await server.ask('GET', 'Patient?identifier=s|0&_page=nonsense')).status).toBe(400)
  })

  test('as it was at an instant, in pages that no write moves', async () => {
    const server = await filled()
    const then = (await server.ask('GET', 'Patient/p3')).body.meta.lastUpdated
    const ids = (pages: Page[]) => pages.map(({ entry = [] }) => entry.map(({ resource }) => resource.id))
    const body = { resourceType: 'Patient', id: 'p0', identifier: [{ system: 's', value: '0' }], active: true }
    await server.ask('PUT', 'Patient/p0', { body })
    await server.ask('DELETE', 'Patient/p1')
    await server.ask('PUT', 'Patient/p1a', { body: { ...body, id: 'p1a' } })
    const write = () => server.ask('DELETE', 'Patient/p3')
    for (const query of ['', '&identifier=s|0,s|1', '&_lastUpdated=ge2001-01-01']) {
      const pages = await all(server, `Patient?_count=2&_at=${then}${query}`, write)
      expect(ids(pages)).toEqual([
        ['p0', 'p1'],
        ['p2', 'p3'],
      ])
      expect(pages[0]?.entry?.[0].resource).not.toHaveProperty('active')
      expect(linkOf(pages[1] as Page, 'self')).toContain('_at=')
      await server.ask('PUT', 'Patient/p3', { body: { resourceType: 'Patient', id: 'p3' } })
    }
    const total = async (query: string) => (await server.ask('GET', `Patient?_summary=count&${query}`)).body.total
    expect([await total(`_at=${then}`), await total(`_at=${then}&identifier=s|1`)]).toEqual([4, 2])
    expect([await total('_at=2001-01-01'), await total('_at=2999-01-01&identifier=s|1')]).toEqual([0, 0])
    expect(codesOf(await server.ask('GET', 'Patient?_at=yesterday'))).toEqual(['value'])
  })

  test('as of an instant that is still to come, is that of its first page', async () => {
    const server = await filled()
    const body = { resourceType: 'Patient', id: 'p9', identifier: [{ system: 's', value: '0' }] }
    for (const query of ['', '&identifier=s|0,s|1']) {
      const pages = await all(server, `Patient?_count=3&_at=2999-01-01${query}`, () =>
        server.ask('PUT', 'Patient/p9', { body }),
      )
      expect(pages.flatMap(({ entry = [] }) => entry).map(({ resource }) => resource.id)).not.toContain('p9')
      await server.ask('DELETE', 'Patient/p9')
    }
  })
})
