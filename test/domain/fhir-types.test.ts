/** The tables of types say of every element of R4 and of R5 of which type it is. */
import { expect, test } from 'vitest'
import { types, typesOtherwiseInR5 } from '../../domain/fhir/patch/type-tables.js'
import { type JsonKind, typeOfElement } from '../../domain/fhir/patch/types.js'
import { deriveTypes, kindOf, typedElements } from '../fhir/types.js'

test.each(['4.0', '5.0'] as const)('every element of %s, in every resource that has it', (fhirVersion) => {
  const wrong: string[] = []
  let checked = 0
  for (const { name, enclosing, place, roots, type } of typedElements(fhirVersion))
    for (const resourceType of roots) {
      const at = { fhirVersion, resourceType, members: place === resourceType ? [] : [place] }
      checked++
      const found = typeOfElement(name, kindOf(type) as JsonKind, at, enclosing)
      if (found !== type) wrong.push(`${resourceType} ${enclosing ?? place} ${name}: ${found}, not ${type}`)
    }
  expect(checked).toBeGreaterThan(6_000)
  // A page of what is published and a page of its sources stand in the same place.
  expect(wrong).toEqual(fhirVersion === '5.0' ? ['ImplementationGuide page name: url, not string'] : [])
})

test('the tables are those that follow from the definitions', () => {
  const words = (text: string) => text.trim().replace(/\s+/g, ' ')
  const { all, inR5 } = deriveTypes()
  expect(words(types)).toBe(words(all))
  expect(words(typesOtherwiseInR5)).toBe(words(inR5))
})
