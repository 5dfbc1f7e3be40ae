/** History, sentence by sentence. (FHIR R4, RESTful API: history, paging; Bundle: its invariants) */
import { describe, expect, test } from 'vitest'
import { formatInstant, parseCanonicalInstant } from '../../../domain/instant.js'
import { all, linkOf, type Page } from '../pages.js'
import { codesOf, type Running, running } from '../server.js'

const patient = (id: string, more: object = {}) => ({ resourceType: 'Patient', id, ...more })
const identifier = [{ system: 's', value: '1' }]

/** What an entry says. */
const lineOf = ({ request, response }: { request: { method: string; url: string }; response: { status: string } }) =>
  `${request.method} ${request.url} ${response.status.slice(0, 3)}`

/** A resource with every kind of write, and two others. */
async function written(): Promise<Running> {
  const server = await running()
  const { ask } = server
  await ask('PUT', 'Patient/a', { body: patient('a', { identifier }) })
  await ask('PATCH', 'Patient/a', {
    headers: { 'content-type': 'application/json-patch+json' },
    body: [{ op: 'add', path: '/active', value: true }],
  })
  await ask('DELETE', 'Patient/a')
  await ask('PUT', 'Patient/a', { body: patient('a', { identifier }) })
  await ask('POST', 'Observation', { body: { resourceType: 'Observation', valueDecimal: 1 } })
  await ask('PUT', 'Patient/b', { body: patient('b') })
  return server
}

describe('a history', async () => {
  const server = await written()
  const { ask, base } = server
  const page = async (path: string): Promise<Page> => (await ask('GET', path)).body
  const lines = async (path: string): Promise<string[]> => ((await page(path)).entry ?? []).map(lineOf)

  test('is a Bundle of type history with the oldest version last, deletions included, at three levels', async () => {
    const own = ['PUT Patient/a 201', 'DELETE Patient/a 204', 'PATCH Patient/a 200', 'PUT Patient/a 201']
    expect(await page('Patient/a/_history')).toMatchObject({ resourceType: 'Bundle', type: 'history' })
    expect(await lines('Patient/a/_history')).toEqual(own)
    expect(await lines('Patient/_history')).toEqual(['PUT Patient/b 201', ...own])
    expect(await lines('_history')).toEqual(['PUT Patient/b 201', 'POST Observation 201', ...own])
  })

  test('has request and response in every entry (bdl-3, bdl-4), with status, etag and lastModified', async () => {
    for (const { request, response } of (await page('_history')).entry ?? []) {
      expect(request).toEqual({ method: expect.stringMatching(/^(POST|PUT|PATCH|DELETE)$/), url: expect.any(String) })
      expect(response).toEqual({
        status: expect.stringMatching(/^20[014] /),
        etag: expect.stringMatching(/^W\/"\d+"$/),
        lastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      })
    }
  })

  test('has a fullUrl in every entry, never of a version (bdl-8)', async () => {
    for (const { fullUrl, request } of (await page('_history')).entry ?? [])
      expect(fullUrl).toMatch(
        request.method === 'POST' ? /\/fhir\/Observation\/[^/]+$/ : new RegExp(`^${base}/${request.url}$`),
      )
  })

  test('holds the resource of PUT, POST and PATCH, as of that version, and none of DELETE', async () => {
    for (const { resource, request, response, fullUrl } of (await page('_history')).entry ?? []) {
      if (request.method === 'DELETE') expect(resource).toBeUndefined()
      else {
        expect(`W/"${resource.meta.versionId}"`).toBe(response.etag)
        expect(resource.meta.lastUpdated).toBe(response.lastModified)
        expect(fullUrl).toBe(`${base}/${resource.resourceType}/${resource.id}`)
      }
    }
  })

  test('records conditional interactions as the direct ones that they were', async () => {
    const other = await running()
    const asked = { body: { resourceType: 'Patient', identifier } }
    await other.ask('POST', 'Patient', { ...asked, headers: { 'if-none-exist': 'identifier=s|1' } })
    await other.ask('POST', 'Patient', { ...asked, headers: { 'if-none-exist': 'identifier=s|1' } })
    const { id } = (await other.ask('PUT', 'Patient?identifier=s|1', asked)).body
    await other.ask('PATCH', 'Patient?identifier=s|1', {
      headers: { 'content-type': 'application/json-patch+json' },
      body: [{ op: 'add', path: '/active', value: true }],
    })
    await other.ask('DELETE', 'Patient?identifier=s|1')
    await other.ask('PUT', 'Patient?identifier=s|2', { body: { resourceType: 'Patient' } })
    expect(((await other.ask('GET', '_history')).body.entry ?? []).map(lineOf)).toEqual([
      'POST Patient 201',
      `DELETE Patient/${id} 204`,
      `PATCH Patient/${id} 200`,
      `PUT Patient/${id} 200`,
      'POST Patient 201',
    ])
  })

  test('of what there never was is 404 with an outcome', async () => {
    const answer = await ask('GET', 'Patient/nobody/_history')
    expect([answer.status, ...codesOf(answer)]).toEqual([404, 'not-found'])
    expect(await lines('Group/_history')).toEqual([])
  })

  test('says its total where that costs nothing: on one page, and of one resource', async () => {
    expect((await page('_history')).total).toBe(6)
    expect((await page('_history?_count=2')).total).toBeUndefined()
    expect((await page('Patient/a/_history?_count=1')).total).toBe(4)
    expect((await page('Patient/a/_history?_count=0')).total).toBe(4)
  })

  test('answers HEAD as GET, without the body', async () => {
    for (const path of ['_history', 'Patient/_history', 'Patient/a/_history']) {
      const [got, head] = [await ask('GET', path), await ask('HEAD', path)]
      expect([head.status, head.text]).toEqual([200, ''])
      expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'))
    }
  })

  describe('takes', () => {
    test('_count as a maximum, kept by every link, with self, first and next', async () => {
      const pages = await all(server, '_history?_count=4&_since=2001-01-01')
      expect(pages.map(({ entry = [] }) => entry.length)).toEqual([4, 2])
      for (const each of pages) {
        const links = each.link.map(({ url }) => new URL(url).searchParams)
        for (const query of links) expect([query.get('_count'), query.get('_since')]).toEqual(['4', '2001-01-01'])
        expect(linkOf(each, 'self')).toBeDefined()
        expect(linkOf(each, 'first')).toBe(`${base}/_history?_count=4&_since=2001-01-01`)
      }
      expect(linkOf(pages[0] as Page, 'self')).toBe(linkOf(pages[0] as Page, 'first'))
      expect(linkOf(pages[0] as Page, 'next')).toBe(linkOf(pages[1] as Page, 'self'))
      expect(linkOf(pages[1] as Page, 'next')).toBeUndefined()
    })

    test('_count=0, with which nothing is shown', async () => {
      const none = await page('Patient/a/_history?_count=0')
      expect([none.entry, linkOf(none, 'next')]).toEqual([undefined, undefined])
    })

    test('_since, at or after an instant', async () => {
      const at = (await page('_history')).entry?.[1]?.response.lastModified
      const after = formatInstant((parseCanonicalInstant(at) as number) + 1)
      expect(await lines(`_history?_since=${at}`)).toEqual(['PUT Patient/b 201', 'POST Observation 201'])
      expect(await lines(`_history?_since=${after}`)).toEqual(['PUT Patient/b 201'])
    })

    test.each([
      ['_sort=_id', 'not-supported'],
      ['_sort=', 'not-supported'],
      ['_count=-1', 'value'],
      ['_since=soon', 'value'],
    ])('not %s', async (query, code) => {
      const answer = await ask('GET', `_history?${query}`)
      expect([answer.status, ...codesOf(answer)]).toEqual([400, code])
    })

    test.each(['_list=List/1', '_elements=id', '_summary=true', 'name=x'])(
      'not %s, unless leniently',
      async (query) => {
        const strict = await ask('GET', `_history?${query}`)
        expect([strict.status, ...codesOf(strict)]).toEqual([400, 'not-supported'])
        const lenient = await ask('GET', `_history?${query}`, { headers: { prefer: 'handling=lenient' } })
        expect([lenient.status, linkOf(lenient.body, 'self')]).toEqual([200, `${base}/_history`])
      },
    )

    test.each(['_count=1&_count=2', '_since=2001&_since=2002', '_at=2026&_at=2027'])(
      'none twice: %s',
      async (query) => {
        const answer = await ask('GET', `_history?${query}`)
        expect([answer.status, ...codesOf(answer)]).toEqual([400, 'value'])
        expect(answer.body.issue[0].location).toEqual([`http.${query.split('=')[0]}`])
      },
    )
  })
})

describe('_at selects the versions that were current at some time of the given date or instant', async () => {
  const server = await written()
  const { ask } = server
  const entries = (await ask('GET', '_history')).body.entry as { response: { lastModified: string } }[]
  // Oldest first: a@1, a@2, a@3 (deleted), a@4, an Observation, b@1.
  const at = entries.map(({ response }) => response.lastModified).reverse()
  const lines = async (path: string): Promise<string[]> =>
    (await all(server, path)).flatMap(({ entry = [] }) => entry.map(lineOf))
  const off = (place: number, micros: number) =>
    formatInstant((parseCanonicalInstant(at[place] as string) as number) + micros)

  test('an instant selects one version of each resource that there was, deletions included', async () => {
    for (const level of ['Patient/a/_history', 'Patient/_history', '_history']) {
      expect(await lines(`${level}?_at=${at[0]}`)).toEqual(['PUT Patient/a 201'])
      expect(await lines(`${level}?_at=${at[1]}`)).toEqual(['PATCH Patient/a 200'])
      expect(await lines(`${level}?_at=${at[2]}`)).toEqual(['DELETE Patient/a 204'])
      expect(await lines(`${level}?_at=${off(2, -1)}`)).toEqual(['PATCH Patient/a 200'])
      expect(await lines(`${level}?_at=${off(0, -1)}`)).toEqual([])
    }
    expect(await lines(`_history?_at=${at[4]}`)).toEqual(['POST Observation 201', 'PUT Patient/a 201'])
    expect(await lines(`_history?_at=${at[5]}`)).toEqual([
      'PUT Patient/b 201',
      'POST Observation 201',
      'PUT Patient/a 201',
    ])
  })

  test('a partial one selects whatever was current within it', async () => {
    const all = await lines('_history')
    for (const length of [4, 7, 10]) expect(await lines(`_history?_at=${at[5]?.slice(0, length)}`)).toEqual(all)
    expect(await lines('_history?_at=2001')).toEqual([])
    // What is current now is so in the years to come.
    expect(await lines('_history?_at=2200')).toEqual(['PUT Patient/b 201', 'POST Observation 201', 'PUT Patient/a 201'])
    expect(await lines('Patient/_history?_at=2200')).toEqual(['PUT Patient/b 201', 'PUT Patient/a 201'])
    expect(await lines('Patient/a/_history?_at=2200')).toEqual(['PUT Patient/a 201'])
  })

  test('with _since, both hold; with _sort, the oldest come first', async () => {
    const year = at[0]?.slice(0, 4)
    expect(await lines(`_history?_at=${year}&_since=${at[4]}`)).toEqual(['PUT Patient/b 201', 'POST Observation 201'])
    expect(await lines(`_history?_at=${at[4]}&_sort=_lastUpdated`)).toEqual([
      'PUT Patient/a 201',
      'POST Observation 201',
    ])
  })

  test('its pages keep it, and no write moves them', async () => {
    const other = await written()
    const write = () => other.ask('PUT', 'Patient/a', { body: patient('a') })
    const pages = await all(other, '_history?_at=2200&_count=1', write)
    expect(pages.map(({ entry = [] }) => entry.map(lineOf))).toEqual([
      ['PUT Patient/b 201'],
      ['POST Observation 201'],
      ['PUT Patient/a 201'],
    ])
    for (const each of pages) for (const { url } of each.link) expect(url).toContain('_at=2200')
  })

  test.each(['soon', 'ge2026', '2026-11-31'])('%s is none', async (text) => {
    const answer = await ask('GET', `_history?_at=${text}`)
    expect([answer.status, ...codesOf(answer)]).toEqual([400, 'value'])
  })
})
