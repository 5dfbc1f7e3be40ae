/** The tables of elements say of every element of each version whether it repeats, and whether it is a choice. */
import { expect, test } from 'vitest'
import {
  choices,
  choicesOtherwiseInR5,
  repeatsEverywhere,
  repeatsOtherwiseInR5,
  repeatsSomewhere,
} from '../../domain/fhir/patch/element-tables.js'
import { isChoice, isRepeating } from '../../domain/fhir/patch/elements.js'
import { derive, elementsOf, type Tables, typesOf } from '../fhir/elements.js'

/** Elements of one name and place that repeat here and not there in the same resource. The table takes one of the two. */
const inAll = ['Contract subject reference', 'Contract party reference']
const told = {
  '4.0': [...inAll, 'ImplementationGuide page name'],
  '4.3': [...inAll, 'ImplementationGuide page name'],
  '5.0': inAll,
}

test.each(['4.0', '4.3', '5.0'] as const)('every element of %s, in every resource that has it', (fhirVersion) => {
  const wrong: string[] = []
  let checked = 0
  for (const { name, place, roots, isRepeated, isChoice: isOne } of elementsOf(typesOf(fhirVersion)))
    for (const resourceType of roots) {
      const at = { fhirVersion, resourceType, members: place === resourceType ? [] : [place] }
      checked++
      if (isRepeating(name, at) !== isRepeated || isChoice(name, at) !== isOne)
        wrong.push(`${resourceType} ${place} ${name}`)
    }
  expect(checked).toBeGreaterThan(50_000)
  expect(wrong).toEqual(told[fhirVersion])
})

test('the tables are those that follow from the definitions', () => {
  const said = (table: Tables['all']) => table.map(([name, places]) => `${name} ${places};`).join(' ')
  const words = (text: string) => text.trim().replace(/\s+/g, ' ')
  const [repeating, choosing] = [derive(({ isRepeated }) => isRepeated), derive(({ isChoice }) => isChoice)]
  const everywhere = repeating.all.filter(([, places]) => places === '*').map(([name]) => name)
  expect(words(repeatsEverywhere)).toBe(everywhere.join(' '))
  expect(words(repeatsSomewhere)).toBe(said(repeating.all.filter(([, places]) => places !== '*')))
  expect(words(repeatsOtherwiseInR5)).toBe(said(repeating.inR5))
  expect(words(choices)).toBe(said(choosing.all))
  expect(words(choicesOtherwiseInR5)).toBe(said(choosing.inR5))
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
  const place = { fhirVersion: '4.0', resourceType, members } as const
  expect(isRepeating(name, place)).toBe(repeats)
  expect(isChoice(name, place)).toBe(choice)
})

test.each([
  ['class', 'Encounter', [], [false, false], [true, false]],
  ['medication', 'MedicationRequest', [], [false, true], [false, false]],
  ['product', 'ChargeItem', [], [false, true], [true, false]],
] as const)('%s in %s%s is another thing in R5', (name, resourceType, members, inR4, inR5) => {
  for (const [fhirVersion, expected] of [
    ['4.0', inR4],
    ['4.3', inR4],
    ['5.0', inR5],
  ] as const) {
    const place = { fhirVersion, resourceType, members }
    expect([isRepeating(name, place), isChoice(name, place)]).toEqual(expected)
  }
})
