/** The search of a type, as far as there is one. (FHIR R4, RESTful API: search, paging; Search) */
import { describe, expect, test } from 'vitest'
import { all, linkOf, type Page } from '../pages.js'
import { type Asked, codesOf, running } from '../server.js'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('a search', async () => {
  const server = await running()
  const { ask, base } = server
  for (const id of ['a', 'b', 'c', 'd', 'e'])
    await ask('PUT', `Patient/${id}`, {
      body: { resourceType: 'Patient', id, identifier: [{ system: 's', value: id < 'c' ? '1' : '2' }, { value: id }] },
    })
  await ask('PUT', 'ValueSet/v', { body: { resourceType: 'ValueSet', id: 'v', url: 'http://example.org/v' } })
  await ask('DELETE', 'Patient/e')
  const idsOf = ({ entry = [] }: Page): string => entry.map(({ resource }) => resource.id).join('')

  test('is a Bundle of type searchset, each entry with its fullUrl and as a match; deleted resources are none', async () => {
    const { body } = await ask('GET', 'Patient')
    expect(body).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 4 })
    for (const { fullUrl, resource, search } of body.entry)
      expect([fullUrl, search]).toEqual([`${base}/Patient/${resource.id}`, { mode: 'match' }])
    expect(linkOf(body, 'self')).toBe(`${base}/Patient`)
  })

  test.each([
    ['_id=a', 'a'],
    ['_id=a,c,e,none', 'ac'],
    ['identifier=s|1', 'ab'],
    ['identifier=1', 'ab'],
    ['identifier=|a', 'a'],
    ['identifier=s|a', ''],
    ['identifier=s|1&identifier=b', 'b'],
    ['identifier=s|1,s|2', 'abcd'],
    ['identifier=s|1&_id=b,c', 'b'],
  ])('by %s finds %j, by GET and by POST, in the URL, in the form or in both', async (query, ids) => {
    expect(idsOf((await ask('GET', `Patient?${query}`)).body)).toBe(ids)
    expect(idsOf((await ask('POST', 'Patient/_search', { headers: form, body: query })).body)).toBe(ids)
    expect(idsOf((await ask('POST', `Patient/_search?${query}`, { headers: form, body: '' })).body)).toBe(ids)
    const [first, ...rest] = query.split('&') as [string, ...string[]]
    const both = await ask('POST', `Patient/_search?${first}`, { headers: form, body: rest.join('&') })
    expect(idsOf(both.body)).toBe(ids)
  })

  test('by canonical URL', async () =>
    expect(idsOf((await ask('GET', 'ValueSet?url=http://example.org/v')).body)).toBe('v'))

  test('comes in pages by links, which may be followed by POST, too', async () => {
    for (const query of ['', '&identifier=s|1,s|2']) {
      const pages = await all(server, `Patient?_count=2${query}`)
      expect(pages.map(idsOf)).toEqual(['ab', 'cd'])
      const next = new URL(linkOf(pages[0] as Page, 'next') as string)
      const posted = await ask('POST', 'Patient/_search', { headers: form, body: next.searchParams.toString() })
      expect(idsOf(posted.body)).toBe('cd')
      expect(linkOf(posted.body, 'next')).toBeUndefined()
    }
  })

  test('keeps in its links what is said of the answer', async () => {
    const { body } = await ask('GET', 'Patient?_count=2&_format=json&_pretty=true')
    for (const { url } of body.link) {
      expect(url).toContain('_format=json')
      expect(url).toContain('_pretty=true')
    }
  })

  test('counts instead, with _summary=count and with _count=0', async () => {
    for (const query of ['_summary=count', '_count=0']) {
      for (const [more, total] of [
        ['', 4],
        ['&identifier=1', 2],
      ] as const) {
        const { body } = await ask('GET', `Patient?${query}${more}`)
        expect([body.total, body.entry, linkOf(body, 'next')]).toEqual([total, undefined, undefined])
      }
      const unknown = await ask('GET', `Patient?${query}&_lastUpdated=2026`)
      expect([unknown.status, ...codesOf(unknown)]).toEqual([400, 'not-supported'])
    }
  })

  test('says its total where that costs nothing, and where it is asked for', async () => {
    const total = async (query: string) => (await ask('GET', `Patient?${query}`)).body.total
    expect(await total('')).toBe(4)
    expect(await total('_count=2')).toBeUndefined()
    expect(await total('_count=2&_total=none')).toBeUndefined()
    expect(await total('_count=2&_total=accurate')).toBe(4)
    expect(await total('_count=2&identifier=s|1,s|2')).toBe(4)
  })

  test('refuses what it does not know by name, unless it is told to be lenient', async () => {
    for (const query of ['name=x', '_include=Patient:x', '_sort=_id', '_elements=id', 'identifier:not=1', '_has:x=1']) {
      const strict = await ask('GET', `Patient?${query}`)
      expect([strict.status, ...codesOf(strict)], query).toEqual([400, 'not-supported'])
      expect(strict.body.issue[0].location).toEqual([`http.${query.split('=')[0]}`])
      const lenient = await ask('GET', `Patient?${query}`, { headers: { prefer: 'handling=lenient' } })
      expect([lenient.status, linkOf(lenient.body, 'self')]).toEqual([200, `${base}/Patient`])
    }
  })

  test.each([
    ['_summary=true', 'not-supported'],
    ['_summary=text', 'not-supported'],
    ['_summary=data', 'not-supported'],
    ['_total=many', 'not-supported'],
    ['_count=x', 'value'],
    ['_count=-1', 'value'],
    ['_count=1&_count=2', 'value'],
    ['_page=x', 'value'],
    ['identifier=', 'value'],
    ['identifier=s|', 'not-supported'],
  ])('refuses %s as %s', async (query, code) => {
    const answer = await ask('GET', `Patient?${query}`)
    expect([answer.status, ...codesOf(answer)]).toEqual([400, code])
  })

  test('by POST takes what is about the form of the answer from either, and keeps it in its links', async () => {
    const posted = (body: string, query = '') => ask('POST', `Patient/_search${query}`, { headers: form, body })
    const answer = await posted('_count=1&_format=application/json&_pretty=true')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
    expect(answer.text).toContain('\n  ')
    expect(linkOf(answer.body, 'next')).toMatch(/_format=application%2Fjson&_pretty=true/)
    expect((await posted('_format=xml')).status).toBe(406)
    expect((await posted('_format=xml', '?_format=json')).status).toBe(200)
  })

  test('by POST takes a form and nothing else', async () => {
    for (const [asked, status] of [
      [{ headers: form, body: '' }, 200],
      [{ headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, body: '_id=a' }, 200],
      [{ headers: form, body: '_lastUpdated=ge2020&'.repeat(4_000) }, 413],
      [{ body: '{}' }, 415],
      [{ headers: { 'content-type': 'text/plain' }, body: '_id=a' }, 415],
    ] as ReadonlyArray<[Asked, number]>)
      expect((await ask('POST', 'Patient/_search', asked)).status).toBe(status)
  })
})

describe('a part of a resource', async () => {
  const { ask } = await running()
  await ask('PUT', 'Patient/a', { body: { resourceType: 'Patient', id: 'a', active: true } })

  test.each(['_summary=true', '_summary=text', '_elements=active'])(
    'is not to be had by %s, unless all of it is taken for it',
    async (query) => {
      const strict = await ask('GET', `Patient/a?${query}`)
      expect([strict.status, ...codesOf(strict)]).toEqual([400, 'not-supported'])
      const lenient = await ask('GET', `Patient/a?${query}`, { headers: { prefer: 'handling=lenient' } })
      expect([lenient.status, lenient.body.active]).toEqual([200, true])
    },
  )

  test('is all of it with _summary=false', async () =>
    expect((await ask('GET', 'Patient/a?_summary=false')).status).toBe(200))
})

test('a list of a type is there however much has been written: the server keeps the index by which it goes', async () => {
  const { ask, store } = await running()
  const tenant = await store.tenant('default')
  const patients = (from: number) =>
    Array.from({ length: 3_500 }, (_, n) => ({
      op: 'create' as const,
      type: 'Patient',
      id: `${from + n}`,
      body: JSON.stringify({ resourceType: 'Patient', id: `${from + n}` }),
    }))
  for (const from of [0, 3_500, 7_000]) await tenant.transact(patients(from))
  const { position } = await tenant.create('Patient', patients(10_500)[0]?.body ?? '', { id: '10500' })
  if (position !== undefined) await tenant.whenProjected('current-index', position)
  expect((await ask('GET', 'Patient?_count=2')).body).toMatchObject({ entry: [{}, {}] })
})
