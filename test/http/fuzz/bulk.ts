/** Generated exports and submissions: begun, asked for, read and ended, by whom they are for and by others. */
import fc from 'fast-check'
import { mark } from './bodies.js'
import { type Given, inBody, inQuery, some } from './parameters.js'
import { anyPlace } from './places.js'
import { offers, provider } from './provider.js'
import type { FuzzRequest } from './requests.js'

/** Stands in bodies for the mark of another tenant: in the name of what is asked for. */
export const foreignMark = 'FOREIGN'

const level = some(
  '$export',
  '$export',
  'Patient/$export',
  'Group/a/$export',
  'Group/never/$export',
  'Group/%ff/$export',
)
const references = some<unknown>('Patient/a', 'Patient/b', `Patient/of-${mark}`, 'Group/a', '../Patient/a', 7, null)

const exportParameter: fc.Arbitrary<Given> = fc.oneof(
  some<Given>(
    ['_outputFormat', 'application/fhir+ndjson'],
    ['_outputFormat', 'ndjson'],
    ['_outputFormat', 'text/csv'],
    ['_since', '2026-01-01T00:00:00Z'],
    ['_since', '2999-01-01'],
    ['_since', 'yesterday'],
    ['_until', '2026-01-01'],
    ['_until', '2999-01-01T00:00:00.123456Z'],
    ['_until', ''],
  ),
  some('Patient', 'Patient,Group', 'Observation', 'Nonsense', 'Patient,Nonsense', '', ',', '__proto__').map(
    (value): Given => ['_type', value],
  ),
  some('id,name', 'Patient.name', 'Patient.((', 'x'.repeat(500), '', '*').map((value): Given => ['_elements', value]),
  some(
    'Patient?_id=a',
    'Patient?identifier=s|1',
    'Patient?_lastUpdated=gt2026-01-01',
    'Patient?name=x',
    'Group?_id=a,b',
    'Patient?_count=1',
    'x?',
    '?',
    'Patient?_id=a&_id=b',
  ).map((value): Given => ['_typeFilter', value]),
  references.map((reference): Given => ['patient', { valueReference: { reference } }]),
  some<Given>(['patient', 'Patient/a'], ['includeAssociatedData', 'x'], ['organizeOutputBy', 'Patient'], ['x', 'y']),
)
const prefer = some(
  'respond-async',
  'respond-async',
  'respond-async, handling=lenient',
  'respond-async, separate-export-status',
  'respond-sync',
)

/** What is taken, and what comes as it comes. */
const exportParameters: fc.Arbitrary<Given[]> = fc.oneof(
  some<Given[]>(
    [],
    [['_type', 'Patient']],
    [['_since', '2026-01-01T00:00:00Z']],
    [
      ['_type', 'Patient,Observation'],
      ['_elements', 'id'],
      ['_typeFilter', 'Patient?_id=a'],
    ],
  ),
  fc.array(exportParameter, { minLength: 1, maxLength: 3 }),
)

const kickOff: fc.Arbitrary<FuzzRequest> = fc
  .tuple(level, exportParameters, prefer, some('GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD'))
  .chain(([target, given, preference, method]) => {
    const asked = fc.oneof(inBody(target, given), fc.constant(inQuery(method, target, given)))
    return asked.map((request) => ({ ...request, headers: { ...request.headers, prefer: preference } }))
  })

const polled = fc
  .tuple(some('GET', 'GET', 'GET', 'GET', 'HEAD', 'DELETE', 'POST'), anyPlace('export'))
  .map(([method, target]): FuzzRequest => ({ method, target, headers: {} }))

const ranges = some(
  'bytes=0-9',
  'bytes=-5',
  'bytes=3-',
  'bytes=99999999-',
  'bytes=9-1',
  'bytes=-0',
  'x',
  'bytes=0-1,4-5',
)
const read = fc
  .tuple(
    some('GET', 'GET', 'GET', 'HEAD', 'DELETE'),
    anyPlace('file'),
    fc.subarray(['range', 'accept-encoding', 'if-range']),
    ranges,
  )
  .map(([method, target, names, range]): FuzzRequest => {
    const all: Record<string, string> = { range, 'accept-encoding': 'gzip', 'if-range': '"x"' }
    return { method, target, headers: Object.fromEntries(names.map((name) => [name, all[name] as string])) }
  })

const submitters = fc.oneof(
  { weight: 12, arbitrary: some<unknown>({ system: 'urn:x', value: `lab-of-${mark}` }, { value: `lab-of-${mark}` }) },
  {
    weight: 1,
    arbitrary: some<unknown>(
      { system: 'urn:x' },
      { system: 7, value: 'x' },
      { system: '../..', value: `#${mark}\u0000` },
      { system: 'x'.repeat(300), value: 'x' },
      null,
      'x',
      [],
    ),
  },
)
const submissionIds = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 5 }).map((n) => `s${n}-of-${mark}`) },
  { weight: 1, arbitrary: fc.nat().map((n) => `s${n}-of-${mark}`) },
  { weight: 1, arbitrary: some('', '../..', `${mark}#%2f\u0000`, '\ud800', 'x'.repeat(2_000)) },
)
const named: fc.Arbitrary<Given[]> = fc.tuple(submitters, submissionIds).map(([valueIdentifier, id]): Given[] => [
  ['submitter', { valueIdentifier }],
  ['submissionId', id],
])

const urls = fc.oneof(
  { weight: 6, arbitrary: some(...offers).map((path) => `${provider}/${mark}/${path}`) },
  {
    weight: 1,
    arbitrary: some(
      'file:///etc/passwd',
      'ftp://127.0.0.1/x',
      'http://user:word@127.0.0.1/',
      'http://127.0.0.1:1/x',
      'http://[::1',
      '//x',
      '',
      'x'.repeat(3_000),
    ),
  },
)
/** Mostly those that let it go on. */
const states = fc.oneof(
  { weight: 4, arbitrary: fc.constant('in-progress') },
  { weight: 2, arbitrary: some('completed', 'complete', 'Completed') },
  { weight: 1, arbitrary: some('stopped', 'Aborted') },
  { weight: 1, arbitrary: some('nonsense', '__proto__') },
)
const headers = some<object>(
  {
    part: [
      { name: 'headerName', valueString: 'Authorization' },
      { name: 'headerValue', valueString: 'Bearer t' },
    ],
  },
  {
    part: [
      { name: 'headerName', valueString: 'Host' },
      { name: 'headerValue', valueString: 'evil.example' },
    ],
  },
  {
    part: [
      { name: 'headerName', valueString: 'Content-Length' },
      { name: 'headerValue', valueString: '-1' },
    ],
  },
  {
    part: [
      { name: 'headerName', valueString: 'X' },
      { name: 'headerValue', valueString: 'a\r\nY: b' },
    ],
  },
  { part: [{ name: 'headerName', valueString: 'a b' }] },
)
const manifest: fc.Arbitrary<Given[]> = urls.map((valueUrl): Given[] => [
  ['manifestUrl', { valueUrl }],
  ['fhirBaseUrl', { valueUrl: provider }],
])
const submitParameter: fc.Arbitrary<Given[]> = fc.oneof(
  { weight: 4, arbitrary: manifest },
  { weight: 2, arbitrary: states.map((code): Given[] => [['submissionStatus', { valueCoding: { code } }]]) },
  { weight: 1, arbitrary: urls.map((valueUrl): Given[] => [['replacesManifestUrl', { valueUrl }]]) },
  { weight: 1, arbitrary: headers.map((part): Given[] => [['fileRequestHeader', part]]) },
  {
    weight: 1,
    arbitrary: some<Given[]>(
      [['outputFormat', 'application/fhir+ndjson']],
      [['outputFormat', 'text/csv']],
      [['fileEncryptionKey', 'x']],
      [['metadata', { part: [] }]],
      [['submissionStatus', { valueCoding: null }]],
      [['nonsense', true]],
      [['manifestUrl', 7]],
    ),
  },
)
const submit: fc.Arbitrary<FuzzRequest> = fc
  .tuple(
    named,
    fc.oneof(
      manifest.map((given) => [given]),
      fc.array(submitParameter, { minLength: 1, maxLength: 3 }),
    ),
  )
  .chain(([name, more]) => inBody('$bulk-submit', [...name, ...more.flat()]))

const foreignName: Given[] = [
  ['submitter', { valueIdentifier: { system: 'urn:x', value: `lab-of-${foreignMark}` } }],
  ['submissionId', `s1-of-${foreignMark}`],
]
const statusAsked: fc.Arbitrary<FuzzRequest> = fc
  .oneof({ weight: 6, arbitrary: named }, { weight: 1, arbitrary: fc.constant(foreignName) })
  .chain((name) => inBody('$bulk-submit-status', name))

const submissionPolled = fc
  .tuple(some('GET', 'GET', 'GET', 'HEAD', 'DELETE'), fc.oneof(anyPlace('submission'), anyPlace('outcomes')))
  .map(([method, target]): FuzzRequest => ({ method, target, headers: {} }))

export const bulk: fc.Arbitrary<FuzzRequest> = fc.oneof(
  { weight: 3, arbitrary: kickOff },
  { weight: 6, arbitrary: polled },
  { weight: 5, arbitrary: read },
  { weight: 3, arbitrary: submit },
  { weight: 2, arbitrary: statusAsked },
  { weight: 5, arbitrary: submissionPolled },
)
