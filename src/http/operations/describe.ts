/**
 * How operations are described: in the CapabilityStatement by their canonical URLs, and as OperationDefinitions under these. Resources of
 * that type may be stored under any id, so the server's own stand below `metadata`, where no resource can be.
 */
import type { FastifyInstance } from 'fastify'
import { baseOf, type Context } from '../context.js'
import { HttpProblem } from '../failures.js'
import { checkAccept, sendJson } from '../formats.js'
import { type Level, type Operation, operations, type Parameter } from './definitions.js'

export function addDefinitions(app: FastifyInstance, context: Context, version: string): void {
  app.get('/metadata/OperationDefinition/:definition', { config: { isOpen: true } }, (request, reply) => {
    checkAccept(request)
    const { definition } = request.params as { definition: string }
    const found = operations.find((operation) => idOf(operation) === definition)
    if (found === undefined) throw new HttpProblem(404, 'not-found', 'the server has no such operation')
    const described = operationDefinition(baseOf(context, request), version, found)
    return sendJson(request, reply, Buffer.from(JSON.stringify(described)))
  })
}

/** For the CapabilityStatement: those of the whole server, or of each type. */
export const operationsAt = (base: string, ...levels: ReadonlyArray<Level>) =>
  operations
    .filter((operation) => levels.some((level) => operation.levels.includes(level)))
    .map((operation) => ({ name: operation.code, definition: canonicalOf(base, operation) }))

const idOf = ({ code }: Operation): string => `annals-${code}`

const canonicalOf = (base: string, operation: Operation): string =>
  `${base}/metadata/OperationDefinition/${idOf(operation)}`

function operationDefinition(base: string, version: string, operation: Operation) {
  const { code, title, description, levels, affectsState, takes, answers } = operation
  const isAt = (level: Level): boolean => levels.includes(level)
  return {
    resourceType: 'OperationDefinition',
    id: idOf(operation),
    url: canonicalOf(base, operation),
    version,
    name: `Annals${code.split('-').map(capitalised).join('')}`,
    title,
    status: 'active',
    kind: 'operation',
    description,
    affectsState,
    code,
    ...(isAt('type') || isAt('instance') ? { resource: ['Resource'] } : undefined),
    system: isAt('system'),
    type: isAt('type'),
    instance: isAt('instance'),
    parameter: [...takes.map((each) => described(each, 'in')), ...answers.map((each) => described(each, 'out'))],
  }
}

const capitalised = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`

const described = ({ name, type, min, max, documentation, codes, part }: Parameter, use: 'in' | 'out'): object => ({
  name,
  use,
  min: min ?? 0,
  max: max ?? '1',
  documentation: codes === undefined ? documentation : `${documentation} (${codes.join(', ')})`,
  ...(type === undefined ? undefined : { type }),
  ...(part === undefined ? undefined : { part: part.map((each) => described(each, use)) }),
})
