/** What a type can be searched by is what its resources have in R4. */
import { expect, test } from 'vitest'
import { resourceTypes } from '../../domain/fhir/resource-types.js'
import { searchParametersOf } from '../../domain/fhir/search-parameters.js'
import { typesOfR4 } from '../fhir/elements.js'

test('identifiers and URLs are searched for where resources of R4 have them', () => {
  const source = typesOfR4().replace(/\/\*[\s\S]*?\*\//g, '')
  for (const type of resourceTypes) {
    const [, body = ''] =
      new RegExp(`export interface ${type}(?:<[^>]*>)? extends \\w+ \\{([\\s\\S]*?)\\n\\}`).exec(source) ?? []
    expect(body).toContain(`'${type}'`)
    const has = ['identifier', 'url'].filter((name) => new RegExp(`^\\s+${name}\\??: `, 'm').test(body))
    expect(
      searchParametersOf(type).map(({ name }) => name),
      type,
    ).toEqual(['_id', '_lastUpdated', ...has])
  }
})
