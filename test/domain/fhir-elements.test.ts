/** The table of elements says of every element of R4 whether it repeats, and whether it is a choice. */
import { expect, test } from 'vitest'
import { isChoice, isRepeating } from '../../domain/fhir/patch/elements.js'
import { elementsOf, typesOfR4 } from '../fhir/elements.js'

/** Elements of one name and place that repeat here and not there in the same resource. The table takes one of the two. */
const told = ['Contract subject reference', 'Contract party reference', 'ImplementationGuide page name']

test('every element of R4, in every resource that has it', () => {
  const wrong: string[] = []
  let checked = 0
  for (const { name, place, roots, isRepeated, isChoice: isOne } of elementsOf(typesOfR4()))
    for (const resourceType of roots) {
      const at = { resourceType, members: place === resourceType ? [] : [place] }
      checked++
      if (isRepeating(name, at) !== isRepeated || isChoice(name, at) !== isOne)
        wrong.push(`${resourceType} ${place} ${name}`)
    }
  expect(checked).toBeGreaterThan(50_000)
  expect(wrong).toEqual(told)
})

test.each([
  ['given', 'Patient', ['name'], true, false],
  ['name', 'Patient', [], true, false],
  ['name', 'Patient', ['contact'], false, false],
  ['value', 'Observation', [], false, true],
  ['value', 'Patient', ['identifier'], false, false],
  ['deceased', 'Patient', [], false, true],
  ['extension', 'Observation', ['valueQuantity'], true, false],
  ['role', 'CareTeam', ['participant'], true, false],
  ['role', 'PlanDefinition', ['action', 'participant'], false, false],
  ['unheardOf', 'Patient', [], false, false],
] as const)('%s in %s.%s', (name, resourceType, members, repeats, choice) => {
  expect(isRepeating(name, { resourceType, members })).toBe(repeats)
  expect(isChoice(name, { resourceType, members })).toBe(choice)
})
