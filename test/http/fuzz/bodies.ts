/** Generated bodies. Whatever is written holds a mark, which becomes that of the tenant that the request is for. */
import fc from 'fast-check'

/** Stands in texts and ids for what only one tenant's resources hold. */
export const mark = 'MARK'

export const ids = fc.constantFrom('a', 'b', 'c', `of-${mark}`)
export const types = fc.constantFrom('Patient', 'Observation', 'Group')
const identifiers = fc.constantFrom('1', '2', '3').map((value) => ({ system: 's', value }))
/** Numbers that a JSON parser would change, too. */
const numbers = fc.constantFrom('1', '1.10', '-0', '1e2', '0.000000100', '12345678901234567890')

export interface Made {
  readonly resourceType: string
  readonly id?: string
}

/** A resource as clients send it, as text. */
export const resource = ({ resourceType, id }: Made): fc.Arbitrary<string> =>
  fc
    .record(
      {
        identifier: fc.array(identifiers, { maxLength: 2 }),
        active: fc.boolean(),
        name: fc.array(fc.record({ family: fc.string({ maxLength: 8, unit: 'binary' }) }), { maxLength: 2 }),
        member: fc.array(fc.record({ entity: fc.record({ reference: references }) }), { maxLength: 2 }),
        generalPractitioner: fc.array(fc.record({ reference: references }), { maxLength: 2 }),
        meta: fc.record({ versionId: fc.constant('9'), tag: fc.constant([{ code: 'x' }]) }, { requiredKeys: [] }),
        text: fc.constant({ status: 'generated', div: `<div><a href="Patient/a">${mark}</a></div>` }),
      },
      { requiredKeys: [] },
    )
    .chain((rest) =>
      numbers.map((number) => {
        const text = JSON.stringify({ resourceType, ...(id === undefined ? undefined : { id }), ...rest, said: mark })
        return `${text.slice(0, -1)},"number":${number}}`
      }),
    )

const references = fc.constantFrom(
  'Patient/a',
  'Patient/a/_history/1',
  'urn:uuid:1',
  'Patient?identifier=s|1',
  'http://127.0.0.1/fhir/Patient/a',
  '#contained',
  '',
)

export const jsonPatch = fc
  .array(
    fc.record(
      {
        op: fc.constantFrom('add', 'replace', 'remove', 'test', 'move', 'copy', 'nonsense'),
        path: fc.constantFrom('/active', '/said', '/name/0', '/name/-', '/id', '', '/meta/versionId', 'x', '/~2'),
        from: fc.constantFrom('/active', '/name', '/nowhere'),
        value: fc.oneof(fc.constantFrom(mark, true, null), fc.jsonValue({ maxDepth: 2 })),
      },
      { requiredKeys: ['op', 'path'] },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((operations) => JSON.stringify(operations))

export const fhirPathPatch = fc
  .record({
    type: fc.constantFrom('add', 'replace', 'delete', 'insert', 'move', 'nonsense'),
    path: fc.constantFrom('Patient', 'Patient.active', 'Patient.name[0]', "Patient.name.where(family = 'x')", '((', ''),
    name: fc.constantFrom('active', 'birthDate', 'id'),
  })
  .map(({ type, path, name }) =>
    JSON.stringify({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: type },
            { name: 'path', valueString: path },
            { name: 'name', valueString: name },
            { name: 'value', valueString: mark },
          ],
        },
      ],
    }),
  )

/** Of entries that fit together or do not: links, conditions, doubled resources, patches. */
const entry = fc
  .record({
    type: types,
    id: ids,
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PUT', 'DELETE', 'PATCH'),
    isConditional: fc.boolean(),
    fullUrl: fc.constantFrom('urn:uuid:1', 'urn:uuid:2', undefined),
    ifMatch: fc.constantFrom('W/"1"', undefined, undefined),
    ifNoneExist: fc.constantFrom('identifier=s|1', undefined, undefined),
    url: fc.option(
      fc.constantFrom(
        '',
        'x',
        '../Patient/a',
        '/fhir/Patient/a',
        '/tenants/north/fhir/Patient/a',
        'Patient/a/_history/1',
      ),
      { nil: undefined, freq: 8 },
    ),
  })
  .chain(({ type, id, method, isConditional, fullUrl, ifMatch, ifNoneExist, url }) => {
    const own = isConditional ? `${type}?identifier=s|1` : method === 'POST' ? type : `${type}/${id}`
    const request = { method, url: url ?? own, ifMatch, ...(method === 'POST' ? { ifNoneExist } : undefined) }
    const hasId = method === 'PUT' && !isConditional
    return entryBody(method, hasId ? { resourceType: type, id } : { resourceType: type }).map((body) => {
      const members = { ...(fullUrl === undefined ? undefined : { fullUrl }), request }
      return `${JSON.stringify(members).slice(0, -1)}${body === undefined ? '' : `,"resource":${body}`}}`
    })
  })

function entryBody(method: string, made: Made): fc.Arbitrary<string | undefined> {
  if (method === 'POST' || method === 'PUT') return resource(made)
  if (method !== 'PATCH') return fc.constant(undefined)
  const binary = jsonPatch.map((patch) => {
    const data = Buffer.from(patch.replaceAll(mark, 'patched')).toString('base64')
    return JSON.stringify({ resourceType: 'Binary', contentType: 'application/json-patch+json', data })
  })
  return fc.oneof(binary, fhirPathPatch)
}

export const bundle = fc
  .record({
    type: fc.constantFrom('transaction', 'transaction', 'batch', 'batch', 'history', 'nonsense'),
    entries: fc.array(entry, { maxLength: 4 }),
  })
  .map(({ type, entries }) => `{"resourceType":"Bundle","type":"${type}","entry":[${entries.join(',')}]}`)

/** What no client sends: no JSON, no resource, or JSON that is built to hurt. */
export const junk = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.constantFrom(
    '',
    '[',
    '{}',
    'null',
    '{"resourceType":"Patient","resourceType":"Group"}',
    '{"resourceType":"Patient","__proto__":{"id":"a"}}',
    '{"resourceType":"Patient","a":"\\ud800"}',
    '\ufeff{"resourceType":"Patient"}',
    '{"resourceType":"Bundle","type":"transaction","entry":{}}',
    '{"resourceType":"Bundle","type":"batch","entry":[null,1,[]]}',
    `{"resourceType":"Patient","a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    `{"resourceType":"Patient","a":"${'x'.repeat(70_000)}"}`,
  ),
)
