/** A projection that writes down what it is told, in order. */
import { defineProjection, type ProjectionDefinition, type ResourceVersion } from '../../src/index.js'

export const line = ({ position, type, id, version, deleted, text }: ResourceVersion): string =>
  `${position.seq}-${position.index} ${type}/${id}@${version} ${deleted ? 'deleted' : text()}`

export function diary(definition: Partial<ProjectionDefinition> = {}) {
  const told: string[] = []
  const projection = defineProjection({
    name: 'diary',
    version: 1,
    apply: async ({ events }) => void told.push(...events.map(line)),
    ...definition,
  })
  return { told, projection }
}
