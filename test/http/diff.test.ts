/** `$diff` over real HTTP: the patch between two versions, in both languages, and what cannot be compared. */
import { describe, expect, test } from 'vitest'
import { expectRefused, guarded } from './guarded.js'
import { codesOf, type Running, running } from './server.js'

const json = { accept: 'application/json-patch+json' }

const bodies = [
  '{"resourceType":"Observation","id":"o","status":"final","valueQuantity":{"value":1.10}}',
  '{"resourceType":"Observation","id":"o","status":"final","valueQuantity":{"value":1.1},"note":[{"text":"x"}]}',
  '{"resourceType":"Observation","id":"o","status":"amended","valueString":"none","meta":{"tag":[{"code":"t"}]}}',
]

async function written(): Promise<Running> {
  const server = await running()
  for (const body of bodies) expect((await server.ask('PUT', 'Observation/o', { body })).status).toBeLessThan(300)
  return server
}

/** What a version says, without what the server sets. */
async function versionOf({ ask }: Running, version: number): Promise<unknown> {
  const { meta, ...rest } = (await ask('GET', `Observation/o/_history/${version}`)).body
  const { versionId: _, lastUpdated: __, ...own } = meta
  return { ...rest, meta: own }
}

describe('$diff', () => {
  test('answers a FHIRPath Patch, with the digits as they are, and nothing of what the server sets', async () => {
    const { ask } = await written()
    const answer = await ask('GET', 'Observation/o/$diff?from=2&to=1')
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    expect(answer.text).toContain('"valueDecimal":1.10')
    expect(answer.body.parameter.map(({ part }: { part: object[] }) => part)).toEqual([
      [
        { name: 'type', valueCode: 'replace' },
        { name: 'path', valueString: 'Observation.value.value' },
        { name: 'value', valueDecimal: 1.1 },
      ],
      [
        { name: 'type', valueCode: 'delete' },
        { name: 'path', valueString: 'Observation.note[0]' },
      ],
    ])
  })

  test('or a JSON Patch, by Accept or _format', async () => {
    const { ask } = await written()
    const patch =
      '[{"op":"replace","path":"/valueQuantity/value","value":1.1},{"op":"add","path":"/note","value":[{"text":"x"}]}]'
    const answer = await ask('GET', 'Observation/o/$diff?from=1&to=2', { headers: json })
    expect([answer.text, answer.headers.get('content-type')]).toEqual([patch, 'application/json-patch+json'])
    const path = 'Observation/o/$diff?from=1&to=2&_format=application/json-patch%2Bjson'
    expect((await ask('GET', path)).text).toBe(patch)
    const other = await ask('GET', 'Observation/o/$diff', { headers: { accept: 'application/fhir+xml' } })
    expect([other.status, ...codesOf(other)]).toEqual([406, 'not-supported'])
  })

  test.each([
    ['application/json-patch+json', json],
    ['application/fhir+json', {}],
  ])('sent back as a PATCH of %s, it leads from any version to any other', async (type, headers) => {
    for (const [from, to] of [
      [1, 2],
      [2, 3],
      [3, 1],
      [1, 3],
    ] as const) {
      const server = await written()
      const { ask } = server
      await ask('PUT', 'Observation/o', { body: bodies[from - 1] as string })
      const wanted = await versionOf(server, to)
      const { text } = await ask('GET', `Observation/o/$diff?from=${from}&to=${to}`, { headers })
      const patched = await ask('PATCH', 'Observation/o', { headers: { 'content-type': type }, body: text })
      expect(patched.status, patched.text).toBe(200)
      const now = Number(patched.body.meta.versionId)
      expect(await versionOf(server, now)).toEqual(wanted)
    }
  })

  test('compares the last version with the one before, unless it is told which', async () => {
    const { ask } = await written()
    const diff = async (query: string) => (await ask('GET', `Observation/o/$diff${query}`)).body
    expect(await diff('')).toEqual(await diff('?from=2&to=3'))
    expect(await diff('?to=2')).toEqual(await diff('?from=1&to=2'))
    expect(await diff('?from=1')).toEqual(await diff('?from=1&to=3'))
    expect(await diff('?from=2&to=2')).toEqual({ resourceType: 'Parameters' })
    const parameter = [
      { name: 'from', valuePositiveInt: 1 },
      { name: 'to', valueInteger: 2 },
    ]
    const posted = await ask('POST', 'Observation/o/$diff', { body: { resourceType: 'Parameters', parameter } })
    expect(posted.body).toEqual(await diff('?from=1&to=2'))
    expect((await ask('POST', 'Observation/o/$diff?from=1')).body).toEqual(await diff('?from=1'))
  })

  test('refuses what cannot be compared, and says why', async () => {
    const { ask } = await written()
    await ask('DELETE', 'Observation/o')
    await ask('PUT', 'Patient/once', { body: { resourceType: 'Patient', id: 'once' } })
    for (const [path, status, code, location] of [
      ['Observation/o/$diff', 410, 'deleted', 'http.to'],
      ['Observation/o/$diff?from=4&to=3', 410, 'deleted', 'http.from'],
      ['Observation/o/$diff?from=9&to=3', 404, 'not-found', 'http.from'],
      ['Patient/once/$diff', 404, 'not-found', 'http.from'],
      ['Patient/never/$diff', 404, 'not-found', 'http.url'],
      ['Nonsense/o/$diff', 404, 'not-supported', 'http.url'],
      ['Observation/o/$diff?from=0', 400, 'value', 'http.from'],
      ['Observation/o/$diff?from=1&from=2', 400, 'value', 'http.from'],
      ['Observation/o/$diff?version=2', 400, 'not-supported', 'http.version'],
    ] as const) {
      const answer = await ask('GET', path)
      expect([answer.status, ...codesOf(answer), ...answer.body.issue[0].location], path).toEqual([
        status,
        code,
        location,
      ])
    }
  })

  test('takes the permission to read', async () => {
    const { ask, authority, store } = await guarded()
    const tenant = await store.tenant('default')
    for (const body of bodies) await tenant.update('Observation', 'o', body)
    const asWith = async (scope: string) =>
      ask('GET', 'Observation/o/$diff', { headers: await authority.bearer(scope) })
    expect((await asWith('system/Observation.r')).status).toBe(200)
    for (const scope of ['system/Observation.cuds', 'system/Patient.r'])
      expectRefused(await asWith(scope), 403, 'forbidden', 'insufficient_scope')
  })

  test('says clearly where a FHIRPath Patch cannot say it, as a JSON Patch can', async () => {
    const { ask } = await running()
    for (const x of [[[1]], [[2]]]) await ask('PUT', 'Patient/p', { body: { resourceType: 'Patient', id: 'p', x } })
    const answer = await ask('GET', 'Patient/p/$diff')
    expect([answer.status, ...codesOf(answer)]).toEqual([400, 'not-supported'])
    expect(answer.text).toContain('ask for a JSON Patch')
    expect((await ask('GET', 'Patient/p/$diff', { headers: json })).body).toHaveLength(1)
  })
})

describe('a Parameters resource for an operation', () => {
  test.each([
    ['{', 'structure', 'Parameters'],
    [
      '{"resourceType":"Parameters","parameter":[{"name":"a","name":"b"}]}',
      'structure',
      'Parameters.parameter[0].name',
    ],
    ['{"resourceType":"Patient"}', 'invalid', 'Parameters'],
    ['{"resourceType":"Parameters","parameter":{}}', 'structure', 'Parameters.parameter'],
    ['{"resourceType":"Parameters","parameter":[1]}', 'structure', 'Parameters.parameter[0]'],
    ['{"resourceType":"Parameters","parameter":[{"valueString":"x"}]}', 'required', 'Parameters.parameter[0]'],
    [
      '{"resourceType":"Parameters","parameter":[{"name":"x","valueString":"x"}]}',
      'not-supported',
      'Parameters.parameter[0]',
    ],
    ['{"resourceType":"Parameters","parameter":[{"name":"from"}]}', 'value', 'Parameters.parameter[0]'],
    [
      '{"resourceType":"Parameters","parameter":[{"name":"from","valueInteger":1.5}]}',
      'value',
      'Parameters.parameter[0]',
    ],
    [
      '{"resourceType":"Parameters","parameter":[{"name":"from","valueInteger":1,"valueString":"1"}]}',
      'value',
      'Parameters.parameter[0]',
    ],
  ])('%s is refused at its place', async (body, code, expression) => {
    const { ask } = await running()
    const answer = await ask('POST', 'Patient/p/$diff', { body })
    expect([answer.status, ...codesOf(answer), answer.body.issue[0].expression]).toEqual([400, code, [expression]])
  })

  test('comes as FHIR JSON', async () => {
    const { ask } = await running()
    const answer = await ask('POST', 'Patient/p/$diff', { headers: { 'content-type': 'text/plain' }, body: '{}' })
    expect([answer.status, ...codesOf(answer)]).toEqual([415, 'not-supported'])
  })
})
