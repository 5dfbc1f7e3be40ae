/** The table of types says of every element of R4 of which type it is. */
import { expect, test } from 'vitest'
import { type JsonKind, typeOfElement } from '../../domain/fhir/patch/types.js'
import { kindOf, typedElements } from '../fhir/types.js'

test('every element of R4, in every resource that has it', () => {
  const wrong: string[] = []
  let checked = 0
  for (const { name, enclosing, place, roots, type } of typedElements())
    for (const resourceType of roots) {
      const at = { resourceType, members: place === resourceType ? [] : [place] }
      checked++
      const found = typeOfElement(name, kindOf(type) as JsonKind, at, enclosing)
      if (found !== type) wrong.push(`${resourceType} ${enclosing ?? place} ${name}: ${found}, not ${type}`)
    }
  expect(checked).toBeGreaterThan(6_000)
  expect(wrong).toEqual([])
})
