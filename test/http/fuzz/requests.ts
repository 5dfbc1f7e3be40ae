/** Generated requests: interactions whose parts fit together, and parts put together as they come. */
import fc from 'fast-check'
import { bundle, fhirPathPatch, ids, jsonPatch, junk, resource, types } from './bodies.js'
import { bulk } from './bulk.js'
import { tenantHeader } from './doors.js'
import { operations } from './operations.js'

export interface FuzzRequest {
  readonly method: string
  /** Below the base of a tenant, or a trick. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Stands in a target for the link to the next page that was heard of last. */
export const nextPage = 'NEXT'

const fhirJson = 'application/fhir+json'
const sent = (type = fhirJson) => ({ 'content-type': type })
const versions = fc.constantFrom('1', '2', '3', '99')
const conditions = fc.constantFrom('identifier=s|1', 'identifier=s%7C2', '_id=a', 'url=http://x', 'name=x', '')

const instants = fc.constantFrom(
  '2026-01-01',
  '2026-01-01T00:00:00Z',
  '2999-01-01T00:00:00.123456Z',
  '2026',
  'yesterday',
)
const parameter = fc.oneof(
  fc.tuple(fc.constantFrom('_count'), fc.constantFrom('1', '2', '0', '1000', '-1', 'x', '99999999999999999999')),
  fc.tuple(fc.constantFrom('_since', '_at', '_lastUpdated'), instants),
  fc.tuple(fc.constantFrom('_lastUpdated'), fc.constantFrom('ge2026', 'lt2026-01-01', 'zz2026')),
  fc.tuple(fc.constantFrom('_page'), fc.oneof(fc.constantFrom('', 'x', 'WyJhIiwiYiJd'), fc.base64String())),
  fc.tuple(fc.constantFrom('_format'), fc.constantFrom('json', 'application/fhir+json', 'xml', 'text/html')),
  fc.tuple(
    fc.constantFrom('_pretty', '_summary', '_sort', '_total'),
    fc.constantFrom('true', 'count', '-_lastUpdated'),
  ),
  fc.tuple(fc.constantFrom('identifier', '_id', 'url'), fc.constantFrom('s|1', '|', 's|', 'a', 'a,b', '')),
  fc.tuple(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5, unit: 'binary' })),
)
const query = fc.array(parameter, { maxLength: 3 }).map((pairs) => {
  const text = new URLSearchParams(pairs).toString()
  return text === '' ? '' : `?${text}`
})

/** Each with what it needs. */
const sound: fc.Arbitrary<FuzzRequest> = fc.oneof(
  read('GET'),
  read('HEAD'),
  fc.tuple(types, query).map(([type, text]) => ({ method: 'GET', target: `${type}${text}`, headers: {} })),
  fc.tuple(fc.constantFrom('_history', 'Patient/_history', 'Patient/a/_history'), query).map(([place, text]) => ({
    method: 'GET',
    target: `${place}${text}`,
    headers: {},
  })),
  fc.constant({ method: 'GET', target: nextPage, headers: {} }),
  fc.constant({ method: 'GET', target: 'metadata', headers: {} }),
  types.chain((resourceType) =>
    fc.tuple(resource({ resourceType }), conditions).map(([body, condition]) => ({
      method: 'POST',
      target: resourceType,
      headers: { ...sent(), ...(condition === '' ? undefined : { 'if-none-exist': condition }) },
      body,
    })),
  ),
  fc.tuple(types, ids).chain(([resourceType, id]) =>
    resource({ resourceType, id }).map((body) => ({
      method: 'PUT',
      target: `${resourceType}/${id}`,
      headers: sent(),
      body,
    })),
  ),
  fc.tuple(types, conditions).chain(([resourceType, condition]) =>
    resource({ resourceType }).map((body) => ({
      method: 'PUT',
      target: `${resourceType}?${condition}`,
      headers: sent(),
      body,
    })),
  ),
  fc.tuple(ids, jsonPatch).map(([id, body]) => ({
    method: 'PATCH',
    target: `Patient/${id}`,
    headers: sent('application/json-patch+json'),
    body,
  })),
  fc.tuple(ids, fhirPathPatch).map(([id, body]) => ({
    method: 'PATCH',
    target: `Patient/${id}`,
    headers: sent(),
    body,
  })),
  fc.tuple(types, ids).map(([type, id]) => ({ method: 'DELETE', target: `${type}/${id}`, headers: {} })),
  fc.tuple(types, conditions).map(([type, text]) => ({ method: 'DELETE', target: `${type}?${text}`, headers: {} })),
  { weight: 3, arbitrary: bundle.map((body) => ({ method: 'POST', target: '', headers: sent(), body })) },
  fc.tuple(types, query).map(([type, text]) => ({
    method: 'POST',
    target: `${type}/_search`,
    headers: sent('application/x-www-form-urlencoded'),
    body: text.slice(1),
  })),
)

function read(method: string): fc.Arbitrary<FuzzRequest> {
  const version = fc.option(versions, { nil: undefined })
  return fc.tuple(types, ids, version, query).map(([type, id, vid, text]) => ({
    method,
    target: `${type}/${id}${vid === undefined ? '' : `/_history/${vid}`}${text}`,
    headers: {},
  }))
}

const some = <A>(first: A, ...rest: A[]) => fc.constantFrom(first, ...rest)

/** What goes before the body: known headers with known, empty and broken values. */
const headers: fc.Arbitrary<Record<string, string>> = fc
  .record(
    {
      accept: some('*/*', 'application/json', 'text/html', ';;', 'q=1', `${fhirJson};q=0`),
      'accept-encoding': some('gzip', 'br, gzip;q=0', '*'),
      'content-encoding': some('gzip', 'identity', 'x'),
      expect: some('100-continue', 'the-spanish-inquisition'),
      host: some('north', 'a b', `evil.${'x'.repeat(300)}`),
      'idempotency-key': some('k', 'l', 'x'.repeat(2_000)),
      'if-match': some('W/"1"', '"2"', '*', 'x', ''),
      'if-modified-since': some('Thu, 01 Jan 2015 00:00:00 GMT', 'Thu, 01 Jan 2099 00:00:00 GMT', 'x'),
      'if-none-exist': some('identifier=s|1', '?identifier=s|1', 'x', ''),
      'if-none-match': some('W/"1"', '*', 'x'),
      origin: some('http://evil.example', 'null'),
      prefer: some('return=minimal', 'return=OperationOutcome', 'return=representation', 'handling=lenient', ','),
      range: some('bytes=0-1', 'x'),
      traceparent: some('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'),
      upgrade: some('websocket', 'h2c'),
      'x-flood': some('x'.repeat(20_000)),
      'x-forwarded-host': some('evil.example', '/'),
      'x-http-method-override': some('DELETE', 'GET'),
      'x-provenance': some('{"resourceType":"Provenance"}', '{', ''),
      'x-request-id': some('r', 'x'.repeat(300), '"'),
      'x-tenant': some('north', 'south', '../north'),
      [tenantHeader]: some('north', 'south', ''),
    },
    { requiredKeys: [] },
  )
  // A dozen at once would always hold one that is refused.
  .chain((all) => fc.subarray(Object.entries(all) as [string, string][], { maxLength: 3 }).map(Object.fromEntries))

/** Paths that leave their place: what they would reach, if anything, is of others. */
const tricks = [
  '/fhir/../../etc/passwd',
  '/tenants/north/fhir/../../south/fhir/Patient/a',
  '/tenants/north%2f..%2fsouth/fhir/Patient/a',
  '/tenants/..%2fsouth/fhir/Patient/a',
  '/tenants/south%00/fhir/Patient/a',
  '/tenants/SOUTH/fhir/Patient/a',
  '/tenants//fhir/Patient/a',
  '/tenants/%25sagas/fhir/Patient/a',
  '/tenants/nobody/fhir/Patient/a',
  '//south/fhir/Patient/a',
  '/fhir/Patient/..%2f..%2ftenants%2fsouth%2ffhir%2fPatient%2fa',
  '/fhir/Patient/%ff',
  '/fhir;tenant=south/Patient/a',
  '/',
  '*',
  'http://127.0.0.1/elsewhere',
]

const odd: fc.Arbitrary<FuzzRequest> = fc
  .record({
    method: some(
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      'QUERY',
      'CONNECT',
      'X',
    ),
    target: fc.oneof(
      fc.constantFrom(...tricks),
      fc
        .tuple(
          fc.oneof(types, some('Nonsense', '_history', 'metadata', '$x', 'Bundle', '')),
          fc.oneof(ids, fc.string({ maxLength: 12, unit: 'binary' }).map(encodeURIComponent)),
          some('', '/_history', '/_history/1', '/_history/x', '/$x', '/a/b/c'),
          query,
        )
        .map(([type, id, rest, text]) => `${type}/${id}${rest}${text}`),
    ),
    type: some(fhirJson, 'application/json-patch+json', 'text/plain', 'application/json; charset=latin1', '', '/'),
    headers,
    body: fc.oneof(junk, bundle, resource({ resourceType: 'Patient', id: 'a' }), jsonPatch),
  })
  .map(({ method, target, type, headers: own, body }) => {
    const hasBody = ['POST', 'PUT', 'PATCH', 'X', 'DELETE'].includes(method)
    return hasBody
      ? { method, target, headers: { 'content-type': type, ...own }, body }
      : { method, target, headers: own }
  })

const asked = fc.oneof(
  { weight: 6, arbitrary: sound },
  { weight: 2, arbitrary: operations },
  { weight: 3, arbitrary: bulk },
)

/** Some of those that fit together have headers that do not. */
const disturbed = fc
  .tuple(asked, headers)
  .map(([request, more]): FuzzRequest => ({ ...request, headers: { ...request.headers, ...more } }))

export const requests: fc.Arbitrary<FuzzRequest> = fc.oneof(
  { weight: 5, arbitrary: asked },
  { weight: 3, arbitrary: disturbed },
  { weight: 2, arbitrary: odd },
)

/** What it is counted as. */
export function kindOf({ method, target, headers }: FuzzRequest): string {
  if (tricks.includes(target)) return 'a path out of its place'
  const [, own = target] = /^(?:OWN|OTHER):(\w+)/.exec(target) ?? []
  if (own !== target) return `${method} of ${placeNames[own]}`
  const [, operation] = /(\$[\w-]+)/.exec(target) ?? []
  if (operation !== undefined)
    return headers.accept?.startsWith('text/event-stream') ? `${operation}, followed` : operation
  const [path = ''] = target.split('?')
  if (path === '') return 'Bundle'
  if (target === nextPage) return 'next page'
  return ['metadata', '_search', '_history'].find((part) => path.includes(part)) ?? `${method} of a resource or type`
}

const placeNames: Readonly<Record<string, string>> = {
  export: 'an export',
  file: 'a file of an export',
  verify: 'a verification',
  submission: 'a submission',
  outcomes: 'outcomes of a submission',
}

export const isTrick = ({ target }: FuzzRequest): boolean => tricks.includes(target)
