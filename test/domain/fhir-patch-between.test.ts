/** The FHIRPath Patch between two versions of a resource leads from the one to the other, in the types and the paths of FHIR. */
import fc from 'fast-check'
import fhirpath from 'fhirpath'
import r4 from 'fhirpath/fhir-context/r4'
import { parse } from 'lossless-json'
import { describe, expect, test } from 'vitest'
import { fhirPathPatchBetween } from '../../domain/fhir/patch/between.js'
import { applyPatch, readPatch } from '../../domain/fhir/patch/index.js'
import { isOpenType } from '../../domain/fhir/patch/types.js'
import { maxPatchOperations } from '../../domain/patch/json-patch.js'
import { orThrow } from '../../domain/task.js'

const textOf = (resource: unknown): string => (typeof resource === 'string' ? resource : JSON.stringify(resource))

/** The patch as text, or the problem. */
function between(before: unknown, after: unknown): string {
  const made = fhirPathPatchBetween(Buffer.from(textOf(before)), Buffer.from(textOf(after)), '4.0')
  return made._tag === 'Right' ? made.right.toString() : made.left.message
}

const applied = (before: string, patch: string): string => {
  const read = orThrow(readPatch('fhir', 'the patch', Buffer.from(patch)))
  return Buffer.from(
    orThrow(applyPatch('the patch', read, Buffer.from(before), { maxBytes: 10_000_000, fhirVersion: '4.0' })),
  ).toString()
}

interface Part {
  readonly name: string
  readonly part?: ReadonlyArray<Part>
  readonly resource?: unknown
}

/** What the parts of an operation say. */
const operationsOf = (patch: string): ReadonlyArray<Record<string, unknown>> =>
  (JSON.parse(patch).parameter ?? []).map(({ part }: { part: ReadonlyArray<Part> }) =>
    Object.fromEntries(
      part.map(({ name, ...rest }) => {
        const [value] = Object.entries(rest).filter(([member]) => !member.startsWith('_'))
        return name === 'value' ? [name, rest] : [name, value?.[1]]
      }),
    ),
  )

const patient = (more: object = {}) => ({ resourceType: 'Patient', id: 'p', ...more })

describe('is written in the types of FHIR', () => {
  const quantity = { value: 1, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' }
  test.each([
    [
      'a primitive',
      patient({ birthDate: '1970' }),
      patient({ birthDate: '1971' }),
      { type: 'replace', path: 'Patient.birthDate', value: { valueDate: '1971' } },
    ],
    [
      'a new one',
      patient(),
      patient({ gender: 'other' }),
      { type: 'add', path: 'Patient', name: 'gender', value: { valueCode: 'other' } },
    ],
    [
      'a datatype',
      patient({ name: [{ family: 'a' }] }),
      patient({ name: [{ family: 'a' }, { family: 'b' }] }),
      { type: 'add', path: 'Patient', name: 'name', value: { valueHumanName: { family: 'b' } } },
    ],
    [
      'inside of one',
      patient({ name: [{ family: 'a', given: ['x'] }] }),
      patient({ name: [{ family: 'a', given: ['y'] }] }),
      { type: 'replace', path: 'Patient.name[0].given[0]', value: { valueString: 'y' } },
    ],
    [
      'before others',
      patient({ name: [{ family: 'b' }] }),
      patient({ name: [{ family: 'a' }, { family: 'b' }] }),
      { type: 'insert', path: 'Patient.name', index: 0, value: { valueHumanName: { family: 'a' } } },
    ],
    ['a deletion', patient({ active: true }), patient(), { type: 'delete', path: 'Patient.active' }],
    [
      'a choice',
      patient({ deceasedBoolean: true }),
      patient({ deceasedDateTime: '2020' }),
      { type: 'replace', path: 'Patient.deceased', value: { valueDateTime: '2020' } },
    ],
    [
      'inside of a choice',
      { resourceType: 'Observation', valueQuantity: quantity },
      { resourceType: 'Observation', valueQuantity: { ...quantity, code: 'g' } },
      { type: 'replace', path: 'Observation.value.code', value: { valueCode: 'g' } },
    ],
    [
      'what has no type of its own',
      patient(),
      patient({ contact: [{ gender: 'male', name: { text: 'c' } }] }),
      {
        type: 'add',
        path: 'Patient',
        name: 'contact',
        value: {
          part: [
            { name: 'gender', valueCode: 'male' },
            { name: 'name', valueHumanName: { text: 'c' } },
          ],
        },
      },
    ],
    [
      'an extension',
      patient(),
      patient({ extension: [{ url: 'u', valueCode: 'x' }] }),
      {
        type: 'add',
        path: 'Patient',
        name: 'extension',
        value: {
          part: [
            { name: 'url', valueUri: 'u' },
            { name: 'value', valueCode: 'x' },
          ],
        },
      },
    ],
    [
      'a resource',
      patient(),
      patient({ contained: [{ resourceType: 'Group', id: 'g' }] }),
      { type: 'add', path: 'Patient', name: 'contained', value: { resource: { resourceType: 'Group', id: 'g' } } },
    ],
    [
      'inside of a resource',
      patient({ contained: [{ resourceType: 'Group', actual: true }] }),
      patient({ contained: [{ resourceType: 'Group', actual: false }] }),
      { type: 'replace', path: 'Patient.contained[0].actual', value: { valueBoolean: false } },
    ],
    [
      'what stands beside',
      patient({ birthDate: '1970' }),
      patient({ birthDate: '1970', _birthDate: { id: 'b' } }),
      { type: 'replace', path: 'Patient.birthDate', value: { valueDate: '1970', _valueDate: { id: 'b' } } },
    ],
    [
      'a count',
      { resourceType: 'Appointment', priority: 1 },
      { resourceType: 'Appointment', priority: 2 },
      { type: 'replace', path: 'Appointment.priority', value: { valueUnsignedInt: 2 } },
    ],
  ])('%s', (_, before, after, operation) => {
    expect(operationsOf(between(before, after))).toEqual([operation])
  })

  test('numbers keep their digits', () => {
    const observation = (value: string): string => `{"resourceType":"Observation","valueQuantity":{"value":${value}}}`
    const patch = between(observation('1.1'), observation('1.10'))
    expect(patch).toContain('"valueDecimal":1.10}')
    expect(between(observation('1.10'), observation('1.10'))).toBe('{"resourceType":"Parameters"}')
  })
})

describe('says clearly what it cannot say', () => {
  test.each([
    ['lists of lists', { x: [[1]] }],
    ['null', { x: null }],
    ['nothing', { x: {} }],
    ['names that are none', { 'a b': 1 }],
  ])('%s', (_, more) => expect(between(patient(), { ...patient(more), ...more })).toContain('ask for a JSON Patch'))

  test('lists of lists that differ inside', () =>
    expect(between(patient({ x: [[1]] }), patient({ x: [[2]] }))).toContain('ask for a JSON Patch'))

  test('and what is no resource, or another one', () => {
    expect(between({}, patient())).toContain('ask for a JSON Patch')
    expect(between({ resourceType: 'Group' }, patient())).toContain('ask for a JSON Patch')
  })

  test('more differences than a patch holds become whole elements, where these are few', () => {
    const list = (from: number) =>
      Array.from({ length: maxPatchOperations + 1 }, (_, n) => ({ display: `${from + n}` }))
    const group = (from: number) => ({ resourceType: 'ValueSet', expansion: { contains: list(from) } })
    const patch = between(group(0), group(1_000_000))
    expect(operationsOf(patch).map(({ type, path }) => [type, path])).toEqual([['replace', 'ValueSet.expansion']])
    expect(JSON.parse(applied(textOf(group(0)), patch))).toEqual(group(1_000_000))
    const names = (from: number) => patient({ photo: list(from) })
    expect(between(names(0), names(1_000_000))).toContain('ask for a JSON Patch')
  })
})

const maybe = <A>(one: fc.Arbitrary<A>) => fc.option(one, { nil: undefined })
const word = fc.constantFrom('a', 'b', 'c', "it's", 'é "')
const code = fc.constantFrom('x', 'y')
const extension = fc.record({ url: code, valueString: word })
const nested = fc.oneof(
  extension,
  fc.record({ url: code, extension: fc.array(extension, { minLength: 1, maxLength: 2 }) }),
)
const beside = fc.oneof(
  fc.record({ id: word }),
  fc.record({ extension: fc.array(nested, { minLength: 1, maxLength: 2 }) }),
)
const list = <A>(one: fc.Arbitrary<A>) => fc.array(one, { minLength: 1, maxLength: 3 })
const period = fc.record({ start: fc.constantFrom('2020', '2021') })
const quantity = fc.record({ value: fc.constantFrom(1.5, 2, -3), unit: maybe(word), code: maybe(code) })

/** Texts with what stands beside them: as `given` and `_given`. */
const givens = fc.array(fc.tuple(maybe(word), maybe(beside)), { minLength: 1, maxLength: 3 }).map((pairs) => {
  const both = pairs.map(([value, beside]) => [value ?? (beside === undefined ? 'z' : null), beside ?? null] as const)
  const besides = both.map(([, beside]) => beside)
  return {
    given: both.map(([value]) => value),
    ...(besides.every((each) => each === null) ? undefined : { _given: besides }),
  }
})
const name = fc
  .tuple(fc.record({ use: code, family: maybe(word), period: maybe(period) }), maybe(givens))
  .map(([own, given]) => ({ ...own, ...given }))
const deceased = fc.oneof(
  fc.record({ deceasedBoolean: fc.boolean() }),
  fc.record({ deceasedDateTime: fc.constantFrom('2020', '2021') }),
  fc.record({ _deceasedDateTime: beside }),
)
const birthDate = fc.oneof(
  fc.record({ birthDate: fc.constantFrom('1970', '1971') }),
  fc.record({ birthDate: fc.constantFrom('1970', '1971'), _birthDate: beside }),
  fc.record({ _birthDate: beside }),
)
const contact = fc.record({
  gender: code,
  name: maybe(name),
  period: maybe(period),
  relationship: maybe(list(fc.record({ text: word }))),
})
const contained = fc.record({ resourceType: fc.constant('Observation'), id: code, valueQuantity: maybe(quantity) })
const resource = fc
  .tuple(
    fc.record({
      active: maybe(fc.boolean()),
      name: maybe(list(name)),
      contact: maybe(list(contact)),
      extension: maybe(list(nested)),
      contained: maybe(list(contained)),
      multipleBirthInteger: maybe(fc.nat(3)),
      maritalStatus: maybe(fc.record({ coding: list(fc.record({ system: word, code })) })),
    }),
    maybe(deceased),
    maybe(birthDate),
  )
  .map(([own, ...more]) => textOf(Object.assign(patient(own), ...more)))

/** How many elements a path names, as others understand FHIRPath. */
function found(document: string, path: string): unknown {
  const count = compiled.get(path) ?? fhirpath.compile(`(${path}).count()`, r4)
  compiled.set(path, count)
  return count(JSON.parse(document))
}

const compiled = new Map<string, (document: unknown) => unknown>()

/** Every value of a part is of a type that a Parameters resource may hold. */
function expectTyped({ name, part = [], ...rest }: Part): void {
  expect(name).toMatch(/^[A-Za-z]+$/)
  for (const member of Object.keys(rest)) {
    if (member === 'resource') continue
    expect(isOpenType(member.replace(/^_?value/, '')), member).toBe(true)
  }
  part.forEach(expectTyped)
}

test('of any two versions: each operation finds its one element, and all of them together give the other version', () => {
  let operations = 0
  fc.assert(
    fc.property(resource, resource, (before, after) => {
      const patch = between(before, after)
      const { parameter = [] } = JSON.parse(patch) as { parameter?: ReadonlyArray<Part> }
      let document = before
      for (const operation of parameter) {
        expectTyped(operation)
        const [{ type, path }] = operationsOf(textOf({ parameter: [operation] })) as [{ type: string; path: string }]
        const [elements] = found(document, path) as [number]
        if (type === 'insert') expect(elements).toBeGreaterThan(0)
        else expect(elements, `${type} ${path} in ${document}`).toBe(1)
        document = applied(document, textOf({ resourceType: 'Parameters', parameter: [operation] }))
        operations++
      }
      expect(parse(document)).toEqual(parse(after))
      expect(parse(applied(before, patch))).toEqual(parse(after))
    }),
    { numRuns: 100 },
  )
  expect(operations).toBeGreaterThan(200)
})
