/** Parameters of operations: in the query, or as a Parameters resource whose parts need not be what they should. */
import fc from 'fast-check'
import { junk } from './bodies.js'
import type { FuzzRequest } from './requests.js'

export const some = <A>(first: A, ...rest: A[]) => fc.constantFrom(first, ...rest)

/** A name, and a value; an object stands for itself with the name of its type, such as `{ valueIdentifier: {} }`. */
export type Given = readonly [name: string, value: string | number | boolean | object]

const fhirJson = { 'content-type': 'application/fhir+json' }

const kinds = { string: 'valueString', number: 'valueInteger', boolean: 'valueBoolean' } as const

const sound = ([name, value]: Given): object =>
  typeof value === 'object' ? { name, ...value } : { name, [kinds[typeof value as keyof typeof kinds]]: value }

/** As it should be, or what is no parameter at all. */
const parameter = (given: Given): fc.Arbitrary<unknown> => {
  const [name, value] = given
  return fc.oneof(
    { weight: 15, arbitrary: fc.constant(sound(given)) },
    {
      weight: 1,
      arbitrary: some<unknown>(
        null,
        7,
        [],
        { name },
        { name: null, valueString: 'x' },
        { name: name.toUpperCase(), valueString: 'x' },
        { name, valueString: null },
        { name, valueString: '' },
        { name, valueString: 'x'.repeat(3_000) },
        { name, value },
        { name, valueString: 'x', valueCode: 'x' },
        { name, valueDecimal: 1e300 },
        { name, valueIdentifier: null },
        { name, valueReference: { reference: {} } },
        { name, part: null },
        { name, part: [null, { name }] },
        { name, resource: [] },
        { __proto__: null, name, valueString: '__proto__' },
      ),
    },
  )
}

export const inBody = (target: string, given: ReadonlyArray<Given>): fc.Arbitrary<FuzzRequest> => {
  const body = fc
    .tuple(...given.map(parameter))
    .map((parameters) => JSON.stringify({ resourceType: 'Parameters', parameter: parameters }))
  return fc
    .oneof({ weight: 15, arbitrary: body }, { weight: 1, arbitrary: junk }, { weight: 1, arbitrary: misshapen })
    .map((text) => ({ method: 'POST', target, headers: fhirJson, body: text }))
}

const misshapen = some(
  '{"resourceType":"Parameters"}',
  '{"resourceType":"Parameters","parameter":null}',
  '{"resourceType":"Parameters","parameter":{}}',
  '{"resourceType":"Patient","parameter":[]}',
  '{"resourceType":["Parameters"],"parameter":[]}',
  '{"parameter":[]}',
)

export const inQuery = (method: string, target: string, given: ReadonlyArray<Given>): FuzzRequest => {
  const pairs = given.map(([name, value]): [string, string] => [name, textOf(value)])
  const query = new URLSearchParams(pairs).toString()
  return { method, target: query === '' ? target : `${target}?${query}`, headers: {} }
}

const textOf = (value: Given[1]): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))
