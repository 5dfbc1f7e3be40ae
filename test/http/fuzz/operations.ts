/** Generated calls of Annals' own operations. */
import fc from 'fast-check'
import { ids, types } from './bodies.js'
import { type Given, inBody, inQuery, some } from './parameters.js'
import { anyPlace } from './places.js'
import type { FuzzRequest } from './requests.js'

interface Call {
  readonly target: string
  readonly given: ReadonlyArray<Given>
}

/** Most are there early. */
const commit = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }) },
)
const more = fc.subarray<Given>(
  [
    ['dryRun', true],
    ['onConflict', 'skip'],
    ['onConflict', 'force'],
    ['reason', 'generated'],
    ['nonsense', 'x'],
  ],
  { maxLength: 2 },
)

const takenBack: fc.Arbitrary<Given[]> = fc.oneof(
  commit.map((seq): Given[] => [['transaction', `${seq}-0`]]),
  fc.tuple(commit, commit).map((seqs) => seqs.map((seq): Given => ['transaction', `${seq}-${seq % 2}`])),
  fc.tuple(commit, some(0, 2, -1)).map(([seq, length]): Given[] => [
    ['from', seq],
    ['to', seq + length],
  ]),
  some<Given[]>(
    [['request', 'k']],
    [['request', 'bulk']],
    [['correlation', '0af7651916cd43dd8448eb211c80319c']],
    [['transaction', 'x']],
    [['transaction', '99999999999999999999-0']],
    [
      ['transaction', '1-0'],
      ['request', 'k'],
    ],
    [],
  ),
)
const revert: fc.Arbitrary<Call> = fc
  .tuple(takenBack, more)
  .map(([what, how]) => ({ target: '$revert', given: [...what, ...how] }))

const points = some('1', '2', '99', 'x', '', '2999-01-01', '2026-01-01T00:00:00Z', '0-12-0', '0-999999-0', '../0-1-0')
const restored = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(types, ids).map(([type, id]) => `${type}/${id}/`) },
  { weight: 1, arbitrary: types.map((type) => `${type}/`) },
  { weight: 1, arbitrary: some('', 'Nonsense/', 'Nonsense/a/', 'Patient/%ff/') },
)
const restore: fc.Arbitrary<Call> = fc
  .tuple(restored, points, more)
  .map(([place, to, how]) => ({ target: `${place}$restore`, given: [['to', to], ...how] }))

const version = fc.oneof(
  { weight: 5, arbitrary: some<string | number>(1, 2, '3') },
  { weight: 1, arbitrary: some<string | number>(0, 99, 'x', -1, '99999999999999999999') },
)
const diff: fc.Arbitrary<Call> = fc
  .tuple(types, ids, fc.subarray(['from', 'to']), version, version)
  .map(([type, id, names, from, to]) => ({
    target: `${type}/${id}/$diff`,
    given: names.map((name): Given => [name, name === 'from' ? from : to]),
  }))

const count = fc.oneof(
  { weight: 5, arbitrary: some<string | number>(1, '2', 5) },
  { weight: 1, arbitrary: some<string | number>(0, -1, 'x', '1e3') },
)
const logged = fc
  .tuple(
    fc.option(commit, { nil: undefined }),
    count,
    fc.subarray<Given>(
      [
        ['bodies', false],
        ['headers', true],
        ['partition', 0],
        ['bodies', 'x'],
        ['partition', 7],
        ['to', 40],
      ],
      { maxLength: 1 },
    ),
  )
  .map(([from, most, rest]) => ({ from, most, rest }))
const log: fc.Arbitrary<Call> = logged.map(({ from, most, rest }) => ({
  target: '$log',
  given: [...(from === undefined ? [] : [['from', from] as const]), ['_count', most], ...rest],
}))

const verify: fc.Arbitrary<Call> = fc
  .subarray<Given>(
    [
      ['deep', true],
      ['deep', 'x'],
      ['nonsense', 'x'],
    ],
    { maxLength: 1 },
  )
  .map((given) => ({ target: '$verify', given }))

const call = fc.oneof(
  { weight: 6, arbitrary: revert },
  { weight: 4, arbitrary: restore },
  { weight: 4, arbitrary: diff },
  { weight: 3, arbitrary: log },
  { weight: 1, arbitrary: verify },
)

const accepted = some('*/*', 'application/json-patch+json, application/x-ndjson', 'application/fhir+json', 'text/html')

/** What becomes of a verification, for whom it was begun and for others. */
const verification = fc
  .tuple(some('GET', 'GET', 'HEAD', 'DELETE', 'POST'), anyPlace('verify'))
  .map(([method, place]): FuzzRequest => ({ method, target: place, headers: {} }))

export const operations: fc.Arbitrary<FuzzRequest> = fc.oneof(
  { weight: 4, arbitrary: call.chain(({ target, given }) => inBody(target, given)) },
  { weight: 4, arbitrary: call.map(({ target, given }) => inQuery('POST', target, given)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(some('GET', 'GET', 'HEAD'), fc.oneof(diff, log), accepted)
      .map(([method, { target, given }, accept]) => ({ ...inQuery(method, target, given), headers: { accept } })),
  },
  { weight: 2, arbitrary: verification },
  {
    weight: 1,
    arbitrary: some('OperationDefinition', 'OperationDefinition/annals-diff', 'metadata/OperationDefinition/x').map(
      (target) => ({ method: 'GET', target, headers: {} }),
    ),
  },
)

/** The log as events, which have no end: whoever asks has to leave. */
export const following: fc.Arbitrary<FuzzRequest> = fc
  .tuple(
    logged,
    some('text/event-stream', 'text/event-stream, */*;q=0.1'),
    some(undefined, undefined, '', '0-1-0', '0-12-0', '0-9999-0', 'x', '../0-1-0'),
  )
  .map(([{ from, rest }, accept, last]) => ({
    ...inQuery('GET', '$log', [...(from === undefined ? [] : [['from', from % 50] as const]), ...rest]),
    headers: { accept, ...(last === undefined ? undefined : { 'last-event-id': last }) },
  }))
