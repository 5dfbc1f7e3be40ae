/** Every refusal says why, by an issue code of R4, and where: by a FHIRPath, or by the header or parameter that is at fault. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { add, parameters, replace } from '../../fhir/patches.js'
import { type Answer, type Asked, type Running, running } from '../server.js'

const patient = (more: object = {}) => ({ resourceType: 'Patient', ...more })
const jsonPatch = { 'content-type': 'application/json-patch+json' }
const identifier = [{ system: 's', value: '1' }]

interface Row {
  readonly rule: string
  readonly ask: readonly [method: string, path: string, asked?: Asked]
  readonly status: number
  readonly code: string
  readonly expression?: string
  readonly location?: string
}

const rows: ReadonlyArray<Row> = [
  {
    rule: 'what cannot be parsed is structure, at its line and column',
    ask: ['POST', 'Patient', { body: '{\n  "resourceType": "Patient",\n  "active": tru }' }],
    status: 400,
    code: 'structure',
    expression: 'Patient.active',
    location: 'line 3, column 13',
  },
  {
    rule: 'a member that is there twice is structure',
    ask: ['POST', 'Patient', { body: '{"resourceType":"Patient","name":[{"family":"a","family":"b"}]}' }],
    status: 400,
    code: 'structure',
    expression: 'Patient.name[0].family',
    location: 'line 1, column 49',
  },
  {
    rule: 'a body that is not there is required',
    ask: ['POST', 'Patient', { body: '' }],
    status: 400,
    code: 'required',
    location: 'http.body',
  },
  {
    rule: 'a body without its resourceType lacks what is required',
    ask: ['POST', 'Patient', { body: '{}' }],
    status: 400,
    code: 'required',
    expression: 'Patient',
  },
  {
    rule: 'a body of another type is invalid',
    ask: ['POST', 'Patient', { body: { resourceType: 'Group' } }],
    status: 400,
    code: 'invalid',
    expression: 'Patient',
  },
  {
    rule: 'an update without the id lacks what is required',
    ask: ['PUT', 'Patient/a', { body: patient() }],
    status: 400,
    code: 'required',
    expression: 'Patient.id',
  },
  {
    rule: 'an update with another id has a bad value',
    ask: ['PUT', 'Patient/a', { body: patient({ id: 'b' }) }],
    status: 400,
    code: 'value',
    expression: 'Patient.id',
  },
  {
    rule: 'an id that is none has a bad value',
    ask: ['PUT', 'Patient/a_b', { body: patient({ id: 'a_b' }) }],
    status: 400,
    code: 'value',
    location: 'http.url',
  },
  {
    rule: 'what is unknown is not-found',
    ask: ['GET', 'Patient/none'],
    status: 404,
    code: 'not-found',
    location: 'http.url',
  },
  {
    rule: 'a type that there is not is not-supported',
    ask: ['GET', 'Nonsense/a'],
    status: 404,
    code: 'not-supported',
    location: 'http.url',
  },
  {
    rule: 'what is deleted is deleted',
    ask: ['GET', 'Patient/gone'],
    status: 410,
    code: 'deleted',
    location: 'http.url',
  },
  {
    rule: 'a stale version is a conflict, of its header',
    ask: ['PUT', 'Patient/one', { body: patient({ id: 'one' }), headers: { 'if-match': 'W/"7"' } }],
    status: 412,
    code: 'conflict',
    location: 'http.If-Match',
  },
  {
    rule: 'what exists already is a duplicate, of its header',
    ask: ['PUT', 'Patient/one', { body: patient({ id: 'one' }), headers: { 'if-none-match': '*' } }],
    status: 412,
    code: 'duplicate',
    location: 'http.If-None-Match',
  },
  {
    rule: 'a header that cannot be read has a bad value',
    ask: ['PUT', 'Patient/one', { body: patient({ id: 'one' }), headers: { 'if-match': 'yesterday' } }],
    status: 400,
    code: 'value',
    location: 'http.If-Match',
  },
  {
    rule: 'a condition of a create that selects several is multiple-matches',
    ask: ['POST', 'Patient', { body: patient(), headers: { 'if-none-exist': 'identifier=s|1' } }],
    status: 412,
    code: 'multiple-matches',
    location: 'http.If-None-Exist',
  },
  {
    rule: 'a condition of a URL that selects several is multiple-matches',
    ask: ['DELETE', 'Patient?identifier=s|1'],
    status: 412,
    code: 'multiple-matches',
    location: 'http.url',
  },
  {
    rule: 'a condition by what is not indexed is not-supported',
    ask: ['POST', 'Patient', { body: patient(), headers: { 'if-none-exist': 'name=x' } }],
    status: 400,
    code: 'not-supported',
    location: 'http.If-None-Exist',
  },
  {
    rule: 'a parameter with a bad value is named',
    ask: ['GET', 'Patient?_count=x'],
    status: 400,
    code: 'value',
    location: 'http._count',
  },
  {
    rule: 'an unknown parameter is named',
    ask: ['GET', 'Patient?shoe-size=44'],
    status: 400,
    code: 'not-supported',
    location: 'http.shoe-size',
  },
  {
    rule: 'a page that is none is named',
    ask: ['GET', 'Patient/_history?_page=x'],
    status: 400,
    code: 'value',
    location: 'http._page',
  },
  {
    rule: 'a format that there is not is not-supported, of Accept',
    ask: ['GET', 'Patient/one', { headers: { accept: 'application/fhir+xml' } }],
    status: 406,
    code: 'not-supported',
    location: 'http.Accept',
  },
  {
    rule: 'a format that there is not is not-supported, of _format',
    ask: ['GET', 'Patient/one?_format=xml'],
    status: 406,
    code: 'not-supported',
    location: 'http._format',
  },
  {
    rule: 'a body of another format is not-supported',
    ask: ['POST', 'Patient', { body: 'a', headers: { 'content-type': 'text/plain' } }],
    status: 415,
    code: 'not-supported',
    location: 'http.Content-Type',
  },
  {
    rule: 'a body over the limit is too-long',
    ask: ['POST', 'Patient', { body: patient({ x: 'x'.repeat(5_000) }) }],
    status: 413,
    code: 'too-long',
    location: 'http.body',
  },
  {
    rule: 'an operation of a JSON Patch that cannot be is processing, by its pointer',
    ask: [
      'PATCH',
      'Patient/one',
      {
        headers: jsonPatch,
        body: [
          { op: 'test', path: '/active', value: true },
          { op: 'remove', path: '/x' },
        ],
      },
    ],
    status: 422,
    code: 'processing',
    location: 'http.body, /1',
  },
  {
    rule: 'an operation of a FHIRPath Patch that cannot be is processing, by its parameter',
    ask: [
      'PATCH',
      'Patient/one',
      {
        body: parameters(
          add('Patient', 'gender', { valueCode: 'other' }),
          replace('Patient.photo', { valueString: 'x' }),
        ),
      },
    ],
    status: 422,
    code: 'processing',
    expression: 'Parameters.parameter[1]',
  },
  {
    rule: 'an operation of a FHIRPath Patch that is none has a bad value',
    ask: ['PATCH', 'Patient/one', { body: parameters({ name: 'x' }) }],
    status: 400,
    code: 'value',
    expression: 'Parameters.parameter[0].name',
  },
  {
    rule: 'a key that stands for another request is a conflict, of its header',
    ask: ['POST', 'Patient', { body: patient({ active: false }), headers: { 'idempotency-key': 'used' } }],
    status: 409,
    code: 'conflict',
    location: 'http.Idempotency-Key',
  },
  {
    rule: 'a Bundle is named by its FHIRPath',
    ask: ['POST', '', { body: { resourceType: 'Bundle', type: 'history' } }],
    status: 400,
    code: 'not-supported',
    expression: 'Bundle.type',
  },
  {
    rule: 'what cannot be parsed in a Bundle is named by its FHIRPath',
    ask: ['POST', '', { body: '{"resourceType":"Bundle","entry":[{"resource":{"id":1,}}]}' }],
    status: 400,
    code: 'structure',
    expression: 'Bundle.entry[0].resource',
    location: 'line 1, column 55',
  },
  {
    rule: 'an entry is named by its FHIRPath',
    ask: [
      'POST',
      '',
      {
        body: {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [{ resource: patient(), request: { method: 'PUT', url: 'Patient/a' } }],
        },
      },
    ],
    status: 400,
    code: 'required',
    expression: 'Bundle.entry[0].resource.id',
  },
]

describe('a refusal', async () => {
  const server = await withPatients()

  test.each(rows.map((row) => [row.rule, row] as const))(
    '%s',
    async (_, { ask, status, code, expression, location }) => {
      const answer = await server.ask(...ask)
      expect(answer.status, answer.text).toBe(status)
      expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
      expect(answer.body).toEqual({
        resourceType: 'OperationOutcome',
        issue: [
          {
            severity: 'error',
            code,
            diagnostics: expect.any(String),
            ...(expression === undefined ? undefined : { expression: [expression] }),
            ...(location === undefined ? undefined : { location: [location] }),
          },
        ],
      })
    },
  )

  test('has codes of the value set of R4 only', () => {
    const known = codesOfR4()
    expect(known).toContain('multiple-matches')
    for (const { code } of rows) expect(known).toContain(code)
  })

  test('holds nothing of a resource, and nothing of the code of the server', async () => {
    const secret = 'Ada-Lovelace-1815'
    for (const [method, path, asked] of [
      ['POST', 'Patient', { body: `{"resourceType":"Patient","name":[{"family":"${secret}"}]` }],
      ['PUT', 'Patient/a', { body: patient({ id: 'b', name: [{ family: secret }] }) }],
      ['PATCH', 'Patient/one', { headers: jsonPatch, body: [{ op: 'test', path: '/active', value: secret }] }],
    ] as const) {
      const answer: Answer = await server.ask(method, path, asked)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toMatch(new RegExp(`${secret}|node_modules|\\.ts:|at \\w+ \\(`))
    }
  })
})

async function withPatients(): Promise<Running> {
  const server = await running({ maxBodyBytes: 4_000 })
  for (const id of ['one', 'two'])
    await server.ask('PUT', `Patient/${id}`, { body: patient({ id, identifier, active: true }) })
  await server.ask('PUT', 'Patient/gone', { body: patient({ id: 'gone' }) })
  await server.ask('DELETE', 'Patient/gone')
  await server.ask('POST', 'Patient', { body: patient(), headers: { 'idempotency-key': 'used' } })
  return server
}

/** As `@types/fhir` lists them for `OperationOutcome.issue.code`. */
function codesOfR4(): string[] {
  const index = createRequire(import.meta.url).resolve('@types/fhir/package.json')
  const types = readFileSync(index.replace(/package\.json$/, 'r4.d.ts'), 'utf8')
  const [, codes = ''] = /interface OperationOutcomeIssue[\s\S]*?\n\s+code: ([^;]+);/.exec(types) ?? []
  return [...codes.matchAll(/'([\w-]+)'/g)].map(([, code]) => code as string)
}
