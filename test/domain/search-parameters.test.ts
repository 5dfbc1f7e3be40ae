/** What a type can be searched by is what its resources have in each version of FHIR. */
import { expect, test } from 'vitest'
import { resourceTypesOf } from '../../domain/fhir/resource-types.js'
import { searchParametersOf } from '../../domain/fhir/search-parameters.js'
import { typesOf } from '../fhir/elements.js'

test.each(['4.0', '4.3', '5.0'] as const)('identifiers and URLs are searched for where %s has them', (version) => {
  const source = typesOf(version).replace(/\/\*[\s\S]*?\*\//g, '')
  for (const type of resourceTypesOf(version)) {
    const [, body = ''] =
      new RegExp(`export interface ${type}(?:<[^>]*>)? extends \\w+ \\{([\\s\\S]*?)\\n\\}`).exec(source) ?? []
    expect(body).toContain(`'${type}'`)
    const has = ['identifier', 'url'].filter((name) => new RegExp(`^\\s+${name}\\??: `, 'm').test(body))
    expect(
      searchParametersOf(type, version).map(({ name }) => name),
      type,
    ).toEqual(['_id', '_lastUpdated', ...has])
  }
})
