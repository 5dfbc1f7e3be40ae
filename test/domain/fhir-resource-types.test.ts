/** The types of resources of each version. */
import { expect, test } from 'vitest'
import { isResourceType, resourceTypesOf } from '../../domain/fhir/resource-types.js'
import { typesOf } from '../fhir/elements.js'

test.each(['4.0', '4.3', '5.0'] as const)('of %s are those of its definitions', (version) => {
  const types = [...typesOf(version).matchAll(/readonly resourceType: '(\w+)'/g)].map(([, type]) => type as string)
  expect(resourceTypesOf(version)).toEqual(types.sort())
  for (const type of ['patient', 'constructor', 'AnnalsSaga', '']) expect(isResourceType(type, version)).toBe(false)
})

test.each([
  ['Patient', [true, true, true]],
  ['MedicinalProduct', [true, false, false]],
  ['Media', [true, true, false]],
  ['SubstancePolymer', [true, false, true]],
  ['Ingredient', [false, true, true]],
  ['Transport', [false, false, true]],
] as const)('%s', (type, expected) => {
  expect((['4.0', '4.3', '5.0'] as const).map((version) => isResourceType(type, version))).toEqual(expected)
})
