/** Which resources belong to which patients: the table is that of FHIR 4.0.1, and references are read from the bytes. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { belongsTo, patientPaths } from '../../domain/fhir/compartment.js'
import { groupMembers } from '../../domain/fhir/group.js'
import { localReference } from '../../domain/fhir/reference.js'
import { requiredElements } from '../../domain/fhir/required.js'
import { resourceTypesOf } from '../../domain/fhir/resource-types.js'
import { structuresIn, typesOf } from '../fhir/elements.js'

interface Definition {
  readonly resources: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const definition: Definition = JSON.parse(
  readFileSync(new URL('../fhir/patient-compartment.json', import.meta.url), 'utf8'),
)

/** `(AuditEvent.agent.who | …).where(resolve() is Patient)`: the paths, without the type. */
const pathsIn = (expression: string, type: string): string[] =>
  expression.split('|').map((each) =>
    each
      .trim()
      .replace(/\.where\(resolve\(\) is Patient\)$/, '')
      .replace(`${type}.`, ''),
  )

const structures = structuresIn(typesOf('4.0'))

/** The type of what stands at a path of a resource, as the package `@types/fhir` says it. */
function typeAt(type: string, path: string): string | undefined {
  let at: string | undefined = type
  for (const name of path.split('.')) at = memberOf(at, name)
  return at
}

function memberOf(type: string | undefined, name: string): string | undefined {
  const structure = structures.get(type ?? '')
  const found = structure?.members.find(([member]) => member === name)
  if (found !== undefined) return found[1].replace('[]', '')
  return structure?.parent === undefined ? undefined : memberOf(structure.parent, name)
}

describe('the Patient compartment', () => {
  test('is that of its definition, with the paths of its search parameters', () => {
    const expected = Object.entries(definition.resources).map(([type, parameters]): [string, string[]] => [
      type,
      [...new Set(Object.values(parameters).flatMap((expression) => pathsIn(expression, type)))],
    ])
    expect([...patientPaths]).toEqual(expected)
    expect(patientPaths.size).toBe(67)
  })

  test('names elements of R4 that are references', () => {
    const types = [...patientPaths].flatMap(([type, paths]) => paths.map((path) => typeAt(type, path)))
    expect(new Set(types)).toEqual(new Set(['Reference']))
    for (const type of patientPaths.keys()) expect(resourceTypesOf('4.0')).toContain(type)
  })

  test.each([
    ['Observation', '{"subject":{"reference":"Patient/a"}}', true],
    ['Observation', ' { "subject" : { "display" : "x" , "reference" : "Patient/a/_history/3" } } ', true],
    ['Observation', '{"performer":[{"reference":"Practitioner/a"},{"reference":"Patient/a"}]}', true],
    ['Observation', '{"subject":{"reference":"\\u0050atient/a"}}', true],
    ['Observation', '{"subject":{"reference":"Patient/b"}}', false],
    ['Observation', '{"subject":{"reference":"Group/a"}}', false],
    ['Observation', '{"focus":[{"reference":"Patient/a"}]}', false],
    ['Observation', '{"contained":[{"subject":{"reference":"Patient/a"}}]}', false],
    ['Observation', '{"subject":{"reference":"http://elsewhere.org/fhir/Patient/a"}}', false],
    ['Observation', '{"subject":{"reference":"http://here.org/fhir/Patient/a"}}', true],
    ['Observation', '{"subject":{"identifier":{"value":"a"}}}', false],
    ['Observation', '{"subject":"Patient/a","performer":{"reference":["Patient/a"]}}', false],
    ['Observation', '{}', false],
    ['Appointment', '{"participant":[{"actor":{"reference":"Patient/b"}},{"actor":{"reference":"Patient/a"}}]}', true],
    ['Group', '{"member":[{"entity":{"reference":"Patient/a"}}]}', true],
    ['Patient', '{"link":[{"other":{"reference":"Patient/a"}}]}', true],
    ['Task', '{"for":{"reference":"Patient/a"}}', true],
    ['Practitioner', '{"subject":{"reference":"Patient/a"}}', false],
  ])('%s %s', (type, body, belongs) => {
    const isPatient = (id: string): boolean => id === 'a'
    expect(belongsTo(type, 'x', Buffer.from(body), isPatient, 'http://here.org/fhir')).toBe(belongs)
  })

  test('a patient belongs to its own', () => {
    const body = Buffer.from('{"resourceType":"Patient"}')
    expect(belongsTo('Patient', 'a', body, (id) => id === 'a')).toBe(true)
    expect(belongsTo('Patient', 'b', body, (id) => id === 'a')).toBe(false)
  })
})

test.each([
  ['Patient/a', { type: 'Patient', id: 'a' }],
  ['Patient/a/_history/1', { type: 'Patient', id: 'a' }],
  ['http://x.org/fhir/Patient/a', undefined],
  ['#a', undefined],
  ['urn:uuid:7a4b', undefined],
  ['Patient?identifier=1', undefined],
  ['Patient/', undefined],
  ['Patient/../Patient/a', undefined],
  ['patient/a', undefined],
])('the reference %s', (reference, expected) => {
  expect(localReference(reference)).toEqual(expected)
})

test('members of a group, without those that have left it', () => {
  const group = {
    member: [
      { entity: { reference: 'Patient/a' } },
      { entity: { reference: 'Patient/b' }, inactive: true },
      { inactive: false, period: {}, entity: { display: 'c', reference: 'Patient/c' } },
      { entity: { reference: 'Group/d' } },
      { entity: { identifier: { value: 'e' } } },
      {},
      'nonsense',
    ],
  }
  const members = (body: unknown): string[] =>
    [...groupMembers(Buffer.from(JSON.stringify(body)))].map(({ type, id }) => `${type}/${id}`)
  expect(members(group)).toEqual(['Patient/a', 'Patient/c', 'Group/d'])
  expect(members({ member: 'nonsense' })).toEqual([])
  expect(members({})).toEqual([])
})

test('the elements that a resource has to have are those of the types of R4, and choices', () => {
  const source = typesOf('4.0').replace(/\/\*[\s\S]*?\*\//g, '')
  const required = new Map<string, string[]>()
  for (const [, type = '', body = ''] of source.matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)\n\}/g)) {
    const names = [...body.matchAll(/^\s+(?:readonly )?(\w+):/gm)].map(([, name = '']) => name)
    required.set(type, names.filter((name) => name !== 'resourceType').sort())
  }
  for (const type of resourceTypesOf('4.0')) {
    const named = (requiredElements.get(type) ?? []).filter((name) => !name.endsWith('[x]'))
    expect([type, [...named].sort()]).toEqual([type, required.get(type) ?? []])
  }
})
