import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { problemOf } from './checks.js'
import { fuzz } from './fuzz.js'

const seed = Number(process.env.ANNALS_FUZZ_SEED ?? randomInt(2 ** 31))

test(`no generated request makes the server fail, be silent, or tell of another tenant, with seed ${seed}`, async () => {
  const { statuses, answers, problems } = await fuzz({ requests: 2_000, seed })
  expect(problems).toEqual([])
  // A run without them would not have got far. (A read of what was deleted before, 410, is too rare to wait for.)
  const common = [200, 201, 202, 204, 400, 401, 403, 404, 405, 406, 412, 415, 417]
  expect(common.filter((status) => !statuses.has(status))).toEqual([])
  const done = ['$revert', '$log', '$log, followed', '$bulk-submit', 'GET of an export']
  expect(done.filter((kind) => answers.get(kind)?.has(200) !== true)).toEqual([])
})

const headers = { 'content-type': 'application/fhir+json; charset=utf-8' }
const outcome = (issue: object) => JSON.stringify({ resourceType: 'OperationOutcome', issue: [issue] })
const lines = { 'content-type': 'application/fhir+ndjson' }
const issue = { code: 'invalid', diagnostics: 'x', location: ['http.url'] }

test.each([
  ['a 500', { status: 500, headers, body: outcome(issue) }],
  ['a 503 that says nothing of later', { status: 503, headers, body: outcome(issue) }],
  ['what is no HTTP', { status: Number.NaN, headers, body: '' }],
  ['a failure of another type', { status: 400, headers: {}, body: outcome(issue) }],
  ['a failure without an outcome', { status: 400, headers, body: '{"error":"x"}' }],
  ['an outcome without an issue', { status: 400, headers, body: '{"resourceType":"OperationOutcome"}' }],
  ['a code that is none', { status: 400, headers, body: outcome({ ...issue, code: 'bad' }) }],
  ['an issue without a place', { status: 400, headers, body: outcome({ ...issue, location: undefined }) }],
  ['the mark of another in a body', { status: 200, headers, body: '{"said":"mark-of-north"}' }],
  ['the mark of another in a header', { status: 200, headers: { location: 'Patient/of-mark-of-north' }, body: '' }],
  ['a line that is no JSON', { status: 200, headers: lines, body: '{}\n{"a":\n' }],
  ['a line that is cut', { status: 200, headers: lines, body: '{}\n{}' }],
  [
    'an outcome in a file with a code that is none',
    { status: 200, headers: lines, body: `${outcome({ code: 'x' })}\n` },
  ],
  ['a part of a stack', { status: 200, headers, body: 'at read (file:///srv/annals/server.js:1:1)' }],
])('%s would be found', (_, answer) => {
  expect(problemOf(answer, false, ['mark-of-north'])).toBeDefined()
})

test('nothing is found in a proper answer', () => {
  expect(problemOf({ status: 404, headers, body: outcome(issue) }, false, ['mark-of-north'])).toBeUndefined()
  expect(problemOf({ status: 404, headers: {}, body: '' }, true, [])).toBeUndefined()
  expect(problemOf({ status: 200, headers: lines, body: `{}\n${outcome(issue)}\n` }, false, [])).toBeUndefined()
})
