/** FHIRPath Patch on the bytes of a resource: the examples of FHIR's own suite, each rule, and what stays as it is. */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import type { AnnalsError } from '../../domain/error.js'
import { applyPatch, readPatch } from '../../domain/fhir/patch/index.js'
import type { FhirVersion } from '../../domain/fhir/version.js'
import { add, insert, move, parameters, remove, replace } from '../fhir/patches.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const bytesOf = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

function patched(
  resource: unknown,
  patch: unknown,
  maxBytes = 10_000,
  fhirVersion: FhirVersion = '4.0',
): E.Either<AnnalsError, string> {
  const read = readPatch('fhir', 'the patch', bytesOf(patch))
  if (E.isLeft(read)) return read
  const applied = applyPatch('the patch', read.right, bytesOf(resource), { maxBytes, fhirVersion })
  return E.isLeft(applied) ? applied : E.right(Buffer.from(applied.right).toString())
}

const outcome = (resource: unknown, ...operations: unknown[]): unknown => {
  const result = patched(resource, parameters(...operations))
  return E.isLeft(result) ? result.left.message : JSON.parse(result.right)
}

/** As FHIR's suite has them: what there is besides `resourceType`, the operations, and what there is then. */
const suite: [string, object, unknown[], object][] = [
  ['no difference', { birthDate: '1920-01-01' }, [], { birthDate: '1920-01-01' }],
  [
    'replace a primitive',
    { birthDate: '1920-01-01' },
    [replace('Patient.birthDate', { valueDate: '1930-01-01' })],
    { birthDate: '1930-01-01' },
  ],
  ['delete a primitive', { birthDate: '1920-01-01' }, [remove('Patient.birthDate')], {}],
  ['add a primitive', {}, [add('Patient', 'birthDate', { valueDate: '1930-01-01' })], { birthDate: '1930-01-01' }],
  [
    'delete a primitive beside another',
    { birthDate: '1920-01-01', active: true },
    [remove('Patient.birthDate')],
    { active: true },
  ],
  [
    'replace a nested primitive',
    { contact: [{ name: { text: 'a name' }, gender: 'male' }] },
    [replace('Patient.contact[0].gender', { valueCode: 'female' })],
    { contact: [{ name: { text: 'a name' }, gender: 'female' }] },
  ],
  [
    'replace a nested primitive below a complex one',
    { contact: [{ name: { text: 'a name' }, gender: 'male' }] },
    [replace('Patient.contact[0].name.text', { valueString: 'the name' })],
    { contact: [{ name: { text: 'the name' }, gender: 'male' }] },
  ],
  [
    'delete a nested primitive',
    { contact: [{ name: { text: 'a name' }, gender: 'male' }] },
    [remove('Patient.contact[0].gender')],
    { contact: [{ name: { text: 'a name' } }] },
  ],
  [
    'add a nested primitive',
    { contact: [{ name: { text: 'a name' } }] },
    [add('Patient.contact[0]', 'gender', { valueCode: 'male' })],
    { contact: [{ name: { text: 'a name' }, gender: 'male' }] },
  ],
  [
    'add a complex value',
    {},
    [add('Patient', 'maritalStatus', { valueCodeableConcept: { text: 'married' } })],
    { maritalStatus: { text: 'married' } },
  ],
  [
    'replace a complex value',
    { maritalStatus: { coding: [{ system: 's', code: '1' }], text: 'married' } },
    [replace('Patient.maritalStatus', { valueCodeableConcept: { text: 'not married' } })],
    { maritalStatus: { text: 'not married' } },
  ],
  ['delete a complex value', { maritalStatus: { text: 'married' } }, [remove('Patient.maritalStatus')], {}],
  [
    'add an element made of parts',
    {},
    [
      add('Patient', 'contact', {
        part: [
          { name: 'name', valueHumanName: { text: 'a name' } },
          { name: 'relationship', valueCodeableConcept: { text: 'friend' } },
          { name: 'gender', valueCode: 'male', _valueCode: { id: 'g' } },
        ],
      }),
    ],
    {
      contact: [{ name: { text: 'a name' }, relationship: [{ text: 'friend' }], gender: 'male', _gender: { id: 'g' } }],
    },
  ],
  [
    'delete an element made of parts',
    { contact: [{ name: { text: 'a name' } }], active: true },
    [remove('Patient.contact[0]')],
    { active: true },
  ],
  [
    'insert at the end, in the middle and at the beginning of a list',
    { identifier: [{ value: 'a' }, { value: 'b' }] },
    [
      insert('Patient.identifier', 2, { valueIdentifier: { value: 'c' } }),
      insert('Patient.identifier', 1, { valueIdentifier: { value: 'ab' } }),
      insert('Patient.identifier', 0, { valueIdentifier: { value: '0' } }),
    ],
    { identifier: ['0', 'a', 'ab', 'b', 'c'].map((value) => ({ value })) },
  ],
  [
    'delete in a list',
    { identifier: ['a', 'b', 'c'].map((value) => ({ value })) },
    [remove('Patient.identifier[1]'), remove("Patient.identifier.where(value = 'c')")],
    { identifier: [{ value: 'a' }] },
  ],
  [
    'move in a list, forward and back',
    { identifier: ['a', 'b', 'c', 'd'].map((value) => ({ value })) },
    [move('Patient.identifier', 3, 1), move('Patient.identifier', 0, 2)],
    { identifier: ['d', 'b', 'a', 'c'].map((value) => ({ value })) },
  ],
  [
    'replace in a list',
    { name: [{ given: ['a', 'b'] }, { use: 'usual', given: ['c'] }] },
    [replace("Patient.name.where(use = 'usual').given[0]", { valueString: 'd' })],
    { name: [{ given: ['a', 'b'] }, { use: 'usual', given: ['d'] }] },
  ],
]

test.each(suite)('%s', (_, before, operations, after) => {
  expect(outcome({ resourceType: 'Patient', ...before }, ...operations)).toEqual({ resourceType: 'Patient', ...after })
})

const patient = {
  resourceType: 'Patient',
  id: 'p',
  active: true,
  birthDate: '1970-03-30',
  _birthDate: { extension: [{ url: 'u', valueString: 'x' }] },
  deceasedBoolean: false,
  name: [
    { use: 'official', family: 'Chalmers', given: ['Peter', 'James'], _given: [null, { id: 'j' }] },
    { use: 'usual', given: ['Jim'] },
  ],
  extension: [
    { url: 'a', valueInteger: 1 },
    { url: 'b', valueDecimal: 1.5 },
  ],
  contained: [{ resourceType: 'Observation', id: 'o', valueQuantity: { value: 1 } }],
}

/** What is left of the patient's members after a patch that changes some of them. */
const changed = (...operations: unknown[]): unknown => {
  const after = outcome(patient, ...operations)
  if (typeof after === 'string') return after
  const members = Object.entries(after as object).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(patient[name as 'id']),
  )
  return Object.fromEntries(members)
}

describe('a path', () => {
  const names = (path: string) => changed(replace(path, { valueString: 'X' }))
  test.each([
    ['name[0].family', { name: [{ ...patient.name[0], family: 'X' }, patient.name[1]] }],
    [
      "Patient.name.where(use = 'official' and family.exists()).family",
      { name: [{ ...patient.name[0], family: 'X' }, patient.name[1]] },
    ],
    ["name.where(use != 'official').given", { name: [patient.name[0], { use: 'usual', given: ['X'] }] }],
    [
      "name.where(use = 'nickname' or given = 'Jim').given.single()",
      { name: [patient.name[0], { use: 'usual', given: ['X'] }] },
    ],
    ['name.last().given.first()', { name: [patient.name[0], { use: 'usual', given: ['X'] }] }],
    ['name.skip(1).given', { name: [patient.name[0], { use: 'usual', given: ['X'] }] }],
    ['name.tail().take(1).given[0]', { name: [patient.name[0], { use: 'usual', given: ['X'] }] }],
    ['name.where(family.empty()).given', { name: [patient.name[0], { use: 'usual', given: ['X'] }] }],
    ["extension('a').value", { extension: [{ url: 'a', valueString: 'X' }, patient.extension[1]] }],
    ['extension.where(value = 1.5).url', { extension: [patient.extension[0], { url: 'X', valueDecimal: 1.5 }] }],
    ["birthDate.extension('u').value", { _birthDate: { extension: [{ url: 'u', valueString: 'X' }] } }],
    ['contained[0].value.value', { contained: [{ ...patient.contained[0], valueQuantity: { value: 'X' } }] }],
    [
      "Patient.contained.where(id='o').value.ofType(Quantity).value",
      { contained: [{ ...patient.contained[0], valueQuantity: { value: 'X' } }] },
    ],
    ['contained.ofType(Observation).`id`', { contained: [{ ...patient.contained[0], id: 'X' }] }],
  ])('%s', (path, expected) => expect(names(path)).toEqual(expected))

  test.each([
    ['name', 'names 2 elements'],
    ['name[7]', 'names no element'],
    ['name.single()', 'single() finds 2'],
    ['Patient', 'the whole resource'],
    ['name.exists()', 'answers no element'],
  ])('%s: %s', (path, problem) => expect(names(path)).toContain(problem))

  test.each([
    ['name.resolve()', 'resolve() is not supported'],
    ['name[', 'more is needed at its end'],
    ['name..family', "'.' is no name"],
    ['name[x]', "'x' is no index"],
    ['name.where(use = )', "')' is no name"],
    ["name.where('a'", "')' is needed at its end"],
    ['name | x', "'|' cannot be"],
    ['name family', "'family' cannot follow"],
    ['name.skip(use)', 'skip() takes a number'],
    ['name.extension(1)', 'extension() takes a text'],
    ["name.where(a = 'b", 'cannot be in a path'],
    ['name.first(1)', "')' is needed"],
  ])('%s is refused: %s', (path, problem) => {
    const result = patched(patient, parameters(remove('Patient.active'), remove(path)))
    expect(result).toMatchObject({ left: { _tag: 'InvalidInput', data: { what: 'the patch, parameter[1].part[1]' } } })
    expect(E.isLeft(result) && result.left.message).toContain(problem)
  })
})

describe('add', () => {
  test('appends where the element repeats, and makes the list', () => {
    expect(changed(add('Patient', 'name', { valueHumanName: { text: 'n' } }))).toEqual({
      name: [...patient.name, { text: 'n' }],
    })
    expect(changed(add('Patient', 'address', { valueAddress: { city: 'c' } }))).toEqual({ address: [{ city: 'c' }] })
    expect(changed(add('Patient.name[1]', 'prefix', { valueString: 'Dr' }))).toEqual({
      name: [patient.name[0], { ...patient.name[1], prefix: ['Dr'] }],
    })
  })

  test('refuses what is there and does not repeat, a choice of another type too', () => {
    expect(changed(add('Patient', 'birthDate', { valueDate: '2000-01-01' }))).toContain('is there already')
    expect(changed(add('Patient', 'deceased', { valueDateTime: '2000' }))).toContain('is there already')
    expect(changed(add('Patient.birthDate', 'id', { valueString: 'i' }))).toEqual({
      _birthDate: { ...patient._birthDate, id: 'i' },
    })
    expect(changed(add('Patient.name[0].given[1]', 'id', { valueString: 'i' }))).toContain('is there already')
  })

  test('names a choice after the type of its value', () => {
    const observation = { resourceType: 'Observation' }
    expect(outcome(observation, add('Observation', 'value', { valueQuantity: { value: 1 } }))).toEqual({
      ...observation,
      valueQuantity: { value: 1 },
    })
    expect(
      outcome(
        observation,
        add('Observation', 'extension', {
          part: [
            { name: 'url', valueUri: 'u' },
            { name: 'value', valueCode: 'c' },
          ],
        }),
      ),
    ).toEqual({ ...observation, extension: [{ url: 'u', valueCode: 'c' }] })
    expect(
      outcome({ ...observation, identifier: [{}] }, add('Observation.identifier', 'value', { valueString: 'v' })),
    ).toEqual({
      ...observation,
      identifier: [{ value: 'v' }],
    })
  })

  test('keeps what stands beside primitive values in line with them', () => {
    expect(changed(add('Patient.name[0]', 'given', { valueString: 'P', _valueString: { id: 'p' } }))).toEqual({
      name: [
        { ...patient.name[0], given: ['Peter', 'James', 'P'], _given: [null, { id: 'j' }, { id: 'p' }] },
        patient.name[1],
      ],
    })
    expect(changed(add('Patient.name[1]', 'given', { valueString: 'T', _valueString: { id: 't' } }))).toEqual({
      name: [patient.name[0], { use: 'usual', given: ['Jim', 'T'], _given: [null, { id: 't' }] }],
    })
    expect(changed(add('Patient', 'gender', { valueCode: 'male', _valueCode: { id: 'g' } }))).toEqual({
      gender: 'male',
      _gender: { id: 'g' },
    })
    expect(changed(add('Patient.active', 'extension', { valueExtension: { url: 'e' } }))).toEqual({
      _active: { extension: [{ url: 'e' }] },
    })
    expect(changed(add('Patient.name[0].given[0]', 'id', { valueString: 'i' }))).toEqual({
      name: [{ ...patient.name[0], _given: [{ id: 'i' }, { id: 'j' }] }, patient.name[1]],
    })
    expect(changed(add('Patient.active', 'url', { valueString: 'i' }))).toContain("no 'url'")
  })
})

describe('delete', () => {
  test('of nothing is fine, of several is not', () => {
    expect(changed(remove('Patient.photo'))).toEqual({})
    expect(changed(remove('Patient.name.given'))).toContain('names 3 elements')
  })

  test('takes with it what becomes empty, and what stands beside', () => {
    expect(outcome(patient, remove('Patient.birthDate'))).not.toHaveProperty('_birthDate')
    expect(changed(remove('Patient.name[0].given[0]'))).toEqual({
      name: [{ ...patient.name[0], given: ['James'], _given: [{ id: 'j' }] }, patient.name[1]],
    })
    const nested = { resourceType: 'Patient', contact: [{ name: { given: ['a'] } }], active: true }
    expect(outcome(nested, remove('Patient.contact.name.given'))).toEqual({ resourceType: 'Patient', active: true })
  })
})

describe('replace', () => {
  test('of a choice takes the type of the value, and drops what stood beside', () => {
    const after = outcome(patient, replace('Patient.deceased', { valueDateTime: '2020' }))
    expect(after).toMatchObject({ deceasedDateTime: '2020' })
    expect(after).not.toHaveProperty('deceasedBoolean')
    expect(outcome(patient, replace('Patient.birthDate', { valueDate: '1980' }))).not.toHaveProperty('_birthDate')
    const { _given, ...name } = patient.name[0] as { _given?: unknown }
    expect(changed(replace('Patient.name[0].given[1]', { valueString: 'J' }))).toEqual({
      name: [{ ...name, given: ['Peter', 'J'] }, patient.name[1]],
    })
  })
})

describe('a primitive value that is absent, with extensions that say why,', () => {
  const why = {
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
  }
  const absent = { resourceType: 'Patient', _birthDate: why, active: true }
  const present = { resourceType: 'Patient', birthDate: '1970', active: true }
  const rest = { resourceType: 'Patient', active: true }

  test('is added, replaced, deleted and named like any other', () => {
    expect(outcome(rest, add('Patient', 'birthDate', { _valueDate: why }))).toEqual(absent)
    expect(outcome(absent, add('Patient', 'birthDate', { valueDate: '1970' }))).toContain('is there already')
    expect(outcome(present, replace('Patient.birthDate', { _valueDate: why }))).toEqual(absent)
    expect(outcome(absent, replace('Patient.birthDate', { valueDate: '1970' }))).toEqual(present)
    expect(outcome(absent, remove('Patient.birthDate'))).toEqual(rest)
    expect(outcome(absent, remove('Patient.birthDate.extension[0]'))).toEqual(rest)
    const chosen = { resourceType: 'Patient', _deceasedDateTime: why }
    expect(outcome(chosen, replace('Patient.deceased', { valueBoolean: false }))).toEqual({
      resourceType: 'Patient',
      deceasedBoolean: false,
    })
  })

  test('comes in parts, too', () => {
    const parts = [{ name: 'name', part: [{ name: 'family', _valueString: why }] }]
    expect(outcome(rest, add('Patient', 'contact', { part: parts }))).toEqual({
      ...rest,
      contact: [{ name: { _family: why } }],
    })
  })
})

describe('insert and move', () => {
  test('are of a whole list, within its bounds', () => {
    const value = { valueHumanName: { text: 'n' } }
    expect(changed(insert('Patient.name', 3, value))).toContain('at most 2')
    expect(changed(insert("Patient.name.where(use = 'usual')", 0, value))).toContain('a part of a list')
    expect(changed(insert('Patient.name.given', 0, { valueString: 'x' }))).toContain('several lists')
    expect(changed(insert('Patient.birthDate', 0, { valueString: 'x' }))).toContain('no list')
    expect(changed(insert('Patient.gender', 0, { valueString: 'x' }))).toContain('no list')
    expect(changed(insert('Patient.telecom', 0, { valueContactPoint: { value: '1' } }))).toEqual({
      telecom: [{ value: '1' }],
    })
    expect(changed(insert('Patient.telecom', 1, { valueContactPoint: { value: '1' } }))).toContain('at most 0')
    expect(changed(move('Patient.name', 0, 2))).toContain('from 0 to 1')
    expect(changed(move('Patient.name', 2, 0))).toContain('from 0 to 1')
    expect(changed(move('Patient.name', 1, 0))).toEqual({ name: [patient.name[1], patient.name[0]] })
  })

  test('keep what stands beside primitive values in line with them', () => {
    expect(changed(insert('Patient.name[0].given', 0, { valueString: 'A' }))).toEqual({
      name: [
        { ...patient.name[0], given: ['A', 'Peter', 'James'], _given: [null, null, { id: 'j' }] },
        patient.name[1],
      ],
    })
    expect(changed(move('Patient.name[0].given', 1, 0))).toEqual({
      name: [{ ...patient.name[0], given: ['James', 'Peter'], _given: [{ id: 'j' }, null] }, patient.name[1]],
    })
  })
})

describe('a patch', () => {
  test('does its operations in order, and all of them or none', () => {
    expect(changed(remove('Patient.active'), add('Patient', 'active', { valueBoolean: false }))).toEqual({
      active: false,
    })
    const failed = patched(
      patient,
      parameters(remove('Patient.active'), replace('Patient.photo', { valueString: 'x' })),
    )
    expect(failed).toMatchObject({
      left: { _tag: 'PatchFailed', data: { what: 'the patch, parameter[1] (replace Patient.photo)' } },
    })
  })

  test('is bounded', () => {
    const long = { valueString: 'x'.repeat(1_000) }
    expect(patched(patient, parameters(add('Patient', 'language', long)), 1_000)).toMatchObject({
      left: { _tag: 'LimitExceeded', data: { limit: 1_000 } },
    })
    const many = parameters(...Array.from({ length: 1_001 }, () => remove('Patient.active')))
    expect(patched(patient, many)).toMatchObject({ left: { _tag: 'InvalidInput' } })
    const large = { resourceType: 'Patient', language: 'x'.repeat(500_000) }
    const reading = parameters(...Array.from({ length: 300 }, () => remove('Patient.active')))
    expect(patched(large, reading, 1_000_000)).toMatchObject({
      left: { _tag: 'LimitExceeded', data: { unit: 'bytes to read' } },
    })
  })

  const op = (...part: unknown[]) => parameters({ name: 'operation', part })
  const type = (valueCode: string) => ({ name: 'type', valueCode })
  const path = { name: 'path', valueString: 'Patient' }
  test.each([
    [{ resourceType: 'Parameters', parameter: {} }, 'parameter', 'a list is needed'],
    [{ resourceType: 'Parameters', parameter: [1] }, 'parameter[0]', 'an object is needed'],
    [parameters({ name: 'other' }), 'parameter[0].name', "it is 'operation'"],
    [op(), 'parameter[0]', "a part 'type'"],
    [op(type('add')), 'parameter[0]', "a part 'path'"],
    [op(type('add'), path), 'parameter[0]', "a part 'name'"],
    [op(type('add'), path, { name: 'name', valueString: 'a b' }), 'parameter[0].part[2]', 'no name of an element'],
    [op(type('add'), path, { name: 'name', valueString: 'a' }), 'parameter[0]', "a part 'value'"],
    [op(type('add'), path, { name: 'name', valueString: 'a' }, { name: 'value' }), 'parameter[0].part[3]', 'one value'],
    [
      op(type('replace'), path, { name: 'value', valueString: '1', valueCode: '2' }),
      'parameter[0].part[2]',
      'one value',
    ],
    [
      op(type('replace'), path, { name: 'value', part: [{ valueCode: '2' }] }),
      'parameter[0].part[2].part[0].name',
      'the name',
    ],
    [op(type('insert'), path, { name: 'value', valueCode: '2' }), 'parameter[0]', "a part 'index'"],
    [op(type('move'), path, { name: 'source', valueInteger: -1 }), 'parameter[0].part[2]', 'valueInteger from 0'],
    [op(type('move'), path, { name: 'source', valueInteger: 1.5 }), 'parameter[0].part[2]', 'valueInteger from 0'],
    [op(type('merge'), path), 'parameter[0].part[0]', 'add, insert, delete, replace or move'],
    [op(type('add'), type('add')), 'parameter[0].part[1]', "a 'type' already"],
    [op({ name: 'what' }), 'parameter[0].part[0].name', 'one of type, path'],
    [op(type('delete'), { name: 'path', valueInteger: 1 }), 'parameter[0].part[1]', 'a text is needed'],
  ])('%j is refused at %s', (patch, place, problem) => {
    const result = patched(patient, patch)
    expect(result).toMatchObject({ left: { _tag: 'InvalidInput', data: { what: `the patch, ${place}` } } })
    expect(E.isLeft(result) && result.left.message).toContain(problem)
  })

  test('with a path that nests without end is refused, and one at the bound is read', () => {
    const nested = (depth: number) => `name.where(${'('.repeat(depth)}true${')'.repeat(depth)})`
    expect(patched(patient, parameters(remove(nested(100_000))))).toMatchObject({
      left: { data: { what: 'the patch, parameter[0].part[1]' } },
    })
    expect(changed(remove(`${nested(490)}[5]`))).toEqual({})
  })

  test('that is no JSON is refused where it is broken', () => {
    expect(patched(patient, '{"resourceType":"Parameters",')).toMatchObject({ left: { _tag: 'InvalidBody' } })
  })
})

test(`what is not named keeps every byte, with seed ${seed}`, () => {
  const before =
    '{ "resourceType" : "Patient",\n "active":true, "multipleBirthInteger" : 1.10e0 ,"x":[ 1.0,  12345678901234567890.50 ],'
  const after = ' "\\u0061":  "ä\\/",\t"name" : [ {"family":"a" , "given":["b","c"]} ] }'
  const operations = fc.oneof(
    fc.constantFrom(remove('Patient.identifier[0]'), remove('identifier.last()'), remove('birthDate')),
    fc.nat(2).map((n) => add('Patient', 'identifier', { valueIdentifier: { value: `${n}` } })),
    fc.nat(2).map((n) => insert('Patient.identifier', n, { valueIdentifier: { value: `i${n}` } })),
    fc.tuple(fc.nat(2), fc.nat(2)).map(([a, b]) => move('Patient.identifier', a, b)),
    fc.constantFrom(
      add('Patient', 'birthDate', { valueDate: '2000', _valueDate: { id: 'b' } }),
      replace('Patient.birthDate', { valueDate: '2001' }),
      replace('Patient.identifier[0]', { valueIdentifier: { value: 'r' } }),
    ),
  )
  let applied = 0
  fc.assert(
    fc.property(fc.array(operations, { minLength: 1, maxLength: 8 }), (list) => {
      let text = `${before}"identifier":[{"value":"0"}],${after}`
      const model: string[] = ['0']
      let birth: string | undefined
      for (const each of list) {
        const result = patched(text, parameters(each))
        if (E.isLeft(result)) {
          expect(result.left._tag).toBe('PatchFailed')
          continue
        }
        applied++
        text = result.right
        // The same on values.
        const [kind, path] = each.part.map((one) =>
          'valueCode' in one ? one.valueCode : 'valueString' in one ? one.valueString : '',
        )
        const value = (each.part.at(-1) as { valueIdentifier?: { value: string } }).valueIdentifier?.value as string
        const [n, m] = each.part.flatMap((one) => ('valueInteger' in one ? [one.valueInteger as number] : [])) as [
          number,
          number,
        ]
        if (kind === 'delete' && path === 'birthDate') birth = undefined
        else if (kind === 'delete') model.splice(path === 'identifier.last()' ? -1 : 0, 1)
        else if (kind === 'add' && value === undefined) birth = '2000'
        else if (kind === 'replace' && value === undefined) birth = '2001'
        else if (kind === 'add') model.push(value)
        else if (kind === 'insert') model.splice(n, 0, value)
        else if (kind === 'replace') model[0] = value
        else model.splice(m, 0, ...model.splice(n, 1))
      }
      const parsed = JSON.parse(text)
      expect((parsed.identifier ?? []).map((one: { value: string }) => one.value)).toEqual(model)
      expect(parsed.birthDate).toBe(birth)
      expect(text.startsWith(before.slice(0, -1))).toBe(true)
      expect(text).toContain(after.slice(0, -2))
    }),
    { seed, numRuns: 300 },
  )
  expect(applied).toBeGreaterThan(300)
})

describe('by the definitions of another version', () => {
  const of = (fhirVersion: FhirVersion, resource: object, ...operations: unknown[]): unknown => {
    const result = patched(resource, parameters(...operations), 10_000, fhirVersion)
    return E.isLeft(result) ? result.left.message : JSON.parse(result.right)
  }
  const concept = { valueCodeableConcept: { text: 'x' } }

  test('what repeats in R5 is added to a list, and once only in R4', () => {
    const encounter = { resourceType: 'Encounter' }
    const added = add('Encounter', 'class', { valueCoding: { code: 'IMP' } })
    for (const version of ['4.0', '4.3'] as const)
      expect(of(version, encounter, added)).toEqual({ ...encounter, class: { code: 'IMP' } })
    const twice = [add('Encounter', 'class', concept), add('Encounter', 'class', concept)]
    expect(of('5.0', encounter, ...twice)).toEqual({ ...encounter, class: [{ text: 'x' }, { text: 'x' }] })
    expect(of('4.0', encounter, added, added)).toMatch(/is there already/)
  })

  test('a choice of R4 that is none in R5, and the other way round', () => {
    const request = { resourceType: 'MedicationRequest' }
    const added = add('MedicationRequest', 'medication', concept)
    expect(of('4.3', request, added)).toEqual({ ...request, medicationCodeableConcept: { text: 'x' } })
    const reference = { valueCodeableReference: { concept: { text: 'x' } } }
    expect(of('5.0', request, add('MedicationRequest', 'medication', reference))).toEqual({
      ...request,
      medication: { concept: { text: 'x' } },
    })
    const event = { resourceType: 'AuditEvent', agent: [{}] }
    const network = add('AuditEvent.agent', 'network', { valueString: '::1' })
    expect(of('5.0', event, network)).toEqual({ ...event, agent: [{ networkString: '::1' }] })
    expect(of('4.0', event, network)).toEqual({ ...event, agent: [{ network: '::1' }] })
  })

  test('elements that only R5 or R4B has', () => {
    const transport = { resourceType: 'Transport', input: [{ valueRatioRange: { denominator: { value: 1 } } }] }
    const value = replace('Transport.input[0].value', { valueInteger64: '9007199254740993' })
    const insurance = add('Transport', 'insurance', { valueReference: { reference: 'Coverage/c' } })
    expect(of('5.0', transport, value, insurance)).toEqual({
      ...transport,
      input: [{ valueInteger64: '9007199254740993' }],
      insurance: [{ reference: 'Coverage/c' }],
    })
    const ingredient = { resourceType: 'Ingredient', substance: { strength: [{ presentationRatio: {} }] } }
    const range = replace('Ingredient.substance.strength[0].presentation', { valueRatioRange: { denominator: {} } })
    for (const version of ['4.3', '5.0'] as const)
      expect(of(version, ingredient, range)).toEqual({
        ...ingredient,
        substance: { strength: [{ presentationRatioRange: { denominator: {} } }] },
      })
  })
})
