/** The CapabilityStatement: everything that it states is so, and what is so it states. (FHIR R4, RESTful API: capabilities) */
import { describe, expect, test } from 'vitest'
import { resourceTypesOf } from '../../../domain/fhir/resource-types.js'
import { openStore } from '../../../src/index.js'
import { shapeProblems } from '../../fhir/shape.js'
import { codesOf, running } from '../server.js'

interface Resource {
  readonly type: string
  readonly interaction: ReadonlyArray<{ readonly code: string }>
  readonly searchParam: ReadonlyArray<{ readonly name: string; readonly type: string }>
}

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })

describe('the CapabilityStatement', async () => {
  const { ask, base } = await running({ version: '1.2.3' })
  const { body: statement, headers, status } = await ask('GET', 'metadata')
  const [rest] = statement.rest
  const resources: ReadonlyArray<Resource> = rest.resource

  test('is of the shape of R4, and says which release it is of', () => {
    expect(status).toBe(200)
    expect(shapeProblems(statement, 'CapabilityStatement')).toEqual([])
    expect(statement).toMatchObject({
      kind: 'instance',
      fhirVersion: '4.0.1',
      software: { name: 'Annals', version: '1.2.3' },
      implementation: { url: base },
      format: ['application/fhir+json', 'json'],
    })
    expect([statement.rest.length, rest.mode]).toEqual([1, 'server'])
  })

  test('names all types of R4, each with all interactions', async () => {
    expect(resources.map(({ type }) => type)).toEqual(resourceTypesOf('4.0'))
    for (const { type, interaction } of resources) {
      expect(interaction.map(({ code }) => code)).toEqual(
        'read vread update patch delete history-instance history-type create search-type'.split(' '),
      )
      expect((await ask('GET', `${type}?_summary=count`)).body.total, type).toBe(0)
      expect((await ask('GET', `${type}/_history?_count=1`)).status, type).toBe(200)
    }
  })

  test('states interactions that there are', async () => {
    const put = await ask('PUT', 'Patient/a', { body: patient({ id: 'a' }) })
    // updateCreate, versioned-update
    expect(put.status).toBe(201)
    const stale = { body: patient({ id: 'a' }), headers: { 'if-match': 'W/"7"' } }
    expect((await ask('PUT', 'Patient/a', stale)).status).toBe(412)
    for (const [method, path, asked, expected] of [
      ['GET', 'Patient/a', {}, 200],
      ['GET', 'Patient/a/_history/1', {}, 200],
      ['GET', 'Patient/a/_history', {}, 200],
      ['GET', 'Patient/_history', {}, 200],
      ['GET', '_history', {}, 200],
      ['GET', 'Patient', {}, 200],
      ['POST', 'Patient', { body: patient() }, 201],
      ['PUT', 'Patient/a', { body: patient({ id: 'a' }) }, 200],
      ['PATCH', 'Patient/a', { headers: { 'content-type': 'application/json-patch+json' }, body: [] }, 200],
      ['POST', 'Patient', { body: patient(), headers: { 'if-none-exist': '_id=a' } }, 200],
      ['PUT', 'Patient?_id=a', { body: patient() }, 200],
      ['GET', 'Patient/a', { headers: { 'if-none-match': '*' } }, 304],
      ['DELETE', 'Patient?_id=a', {}, 204],
      ['POST', '', { body: { resourceType: 'Bundle', type: 'transaction' } }, 200],
      ['POST', '', { body: { resourceType: 'Bundle', type: 'batch' } }, 200],
    ] as const)
      expect((await ask(method, path, asked)).status, `${method} ${path}`).toBe(expected)
    for (const each of resources)
      expect(each).toMatchObject({
        versioning: 'versioned-update',
        readHistory: true,
        updateCreate: true,
        conditionalCreate: true,
        conditionalRead: 'full-support',
        conditionalUpdate: true,
        conditionalDelete: 'single',
      })
    expect(rest.interaction).toEqual([{ code: 'transaction' }, { code: 'batch' }, { code: 'history-system' }])
    expect(statement.patchFormat).toEqual(['application/json-patch+json', 'application/fhir+json'])
  })

  test('states the parameters of a search that there are, and no others: not all types have identifiers and URLs', async () => {
    for (const { type, searchParam } of resources)
      for (const [name, kind, value] of [
        ['_id', 'token', 'a'],
        ['_lastUpdated', 'date', '2026'],
        ['identifier', 'token', 's|1'],
        ['url', 'uri', 'http://example.org/a'],
      ] as const) {
        const stated = searchParam.find((each) => each.name === name)
        const answer = await ask('GET', `${type}?${name}=${encodeURIComponent(value)}`)
        if (stated === undefined)
          expect([answer.status, ...codesOf(answer)], `${type} ${name}`).toEqual([400, 'not-supported'])
        else expect([answer.status, stated.type], `${type} ${name}`).toEqual([200, kind])
      }
    const names = (type: string) => resources.find((each) => each.type === type)?.searchParam.map(({ name }) => name)
    expect(names('Patient')).toEqual(['_id', '_lastUpdated', 'identifier'])
    expect(names('ValueSet')).toEqual(['_id', '_lastUpdated', 'identifier', 'url'])
    expect(names('Binary')).toEqual(['_id', '_lastUpdated'])
    for (const each of resources) expect(each).not.toHaveProperty('searchInclude')
    expect((await ask('GET', 'Patient?_include=Patient:organization')).status).toBe(400)
  })

  test('has an ETag that changes with it, and a 304 for who has it', async () => {
    const etag = headers.get('etag') as string
    expect(etag).toMatch(/^W\/"[^"]+"$/)
    expect((await ask('GET', 'metadata')).headers.get('etag')).toBe(etag)
    const same = await ask('GET', 'metadata', { headers: { 'if-none-match': `"x", ${etag}` } })
    expect([same.status, same.text]).toEqual([304, ''])
    const other = await running({ version: '1.2.4', baseUrl: base.slice(0, -'/fhir'.length) })
    expect((await other.ask('GET', 'metadata')).headers.get('etag')).not.toBe(etag)
  })

  test('is answered whole, whatever the mode and the summary', async () => {
    for (const query of ['?mode=full', '?mode=terminology', '?_summary=true', '?_format=json&_pretty=true'])
      expect((await ask('GET', `metadata${query}`)).body.rest[0].resource).toHaveLength(resources.length)
  })
})

test('of a tenant of several logs states no transactions and no conditions, and there are none', async () => {
  const store = await openStore('memory:')
  await store.tenant('default', { partitions: 2 })
  const { ask } = await running({}, store)
  const [rest] = (await ask('GET', 'metadata')).body.rest
  expect(rest.interaction).toEqual([{ code: 'history-system' }])
  for (const each of rest.resource)
    expect(each).toMatchObject({
      conditionalCreate: false,
      conditionalUpdate: false,
      conditionalDelete: 'not-supported',
      conditionalRead: 'full-support',
    })
  for (const [method, path, asked] of [
    ['POST', '', { body: { resourceType: 'Bundle', type: 'transaction' } }],
    ['POST', 'Patient', { body: patient(), headers: { 'if-none-exist': 'identifier=1' } }],
    ['PUT', 'Patient?identifier=1', { body: patient() }],
    ['DELETE', 'Patient?identifier=1', {}],
  ] as const) {
    const answer = await ask(method, path, asked)
    expect([answer.status, ...codesOf(answer)], answer.text).toEqual([400, 'not-supported'])
  }
  expect((await ask('POST', 'Patient', { body: patient() })).status).toBe(201)
})
