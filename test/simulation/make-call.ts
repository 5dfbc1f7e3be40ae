/** Makes up writes: few resources, so that they meet; expectations that are right, stale or odd. */
import type { Expectation } from '../../domain/decide.js'
import type { OperationInput } from '../../src/api.js'
import type { Call } from './call.js'
import type { Random } from './random.js'
import { keyOf, nothing, type Standing } from './reference.js'
import type { World } from './world.js'

export const types = ['Patient', 'Observation'] as const

/** What clients have last heard of each resource. */
export type Board = Map<string, Standing>

const kinds = {
  assigned: 4,
  create: 8,
  update: 10,
  expected: 12,
  stale: 5,
  odd: 5,
  same: 8,
  other: 3,
  delete: 8,
  check: 3,
} as const

/** Larger than the smaller of the two inline limits. */
const largeBody = 'x'.repeat(250)

export function makeCall(world: World, random: Random, board: Board, name: string): Call {
  const { profile } = world
  const count = random.weighted({ one: 5, two: 3, three: 2 })
  const length = { one: 1, two: 2, three: 3 }[count]
  const operations = Array.from({ length }, (_, i) => makeOperation(world, random, board, `${name}.${i}`))
  return {
    name,
    request: random.below(10) < profile.keyed ? `key of ${name}` : undefined,
    operations,
    single: length === 1 && random.chance(0.5),
    timeoutMs: random.pick(profile.timeouts),
    attempts: [],
  }
}

function makeOperation({ profile }: World, random: Random, board: Board, token: string): OperationInput {
  const type = random.pick(types)
  const id = random.pick(profile.ids)
  const known = board.get(keyOf(type, id)) ?? nothing
  const body = bodyOf(type, random.chance(0.1) ? `${token}+` : token)
  const kind = random.weighted(kinds)
  switch (kind) {
    case 'assigned':
      return { op: 'create', type, body }
    case 'create':
      return { op: 'create', type, id, body }
    case 'update':
      return { op: 'update', type, id, body }
    case 'expected':
      return { op: 'update', type, id, body, expect: known.version }
    case 'stale':
      return { op: 'update', type, id, body, expect: Math.max(0, known.version - random.between(-1, 2)) }
    case 'odd':
      return { op: 'update', type, id, body, expect: random.pick<Expectation>(['absent', 'exists']) }
    case 'same':
      return { op: 'update', type, id, body: bodyOf(type, known.token ?? token), onlyIfChanged: true }
    case 'other':
      return { op: 'update', type, id, body, onlyIfChanged: true, expect: 'any' }
    case 'delete':
      return { op: 'delete', type, id, expect: random.pick<Expectation>(['any', known.version]) }
    case 'check':
      return { op: 'check', type, id, expect: random.pick<Expectation>(['exists', known.version, known.version + 1]) }
    default:
      throw new TypeError(`unreachable: ${kind satisfies never}`)
  }
}

/** The token says everything about the body, so that two bodies with one token are the same. */
const bodyOf = (type: string, token: string): string =>
  JSON.stringify({ resourceType: type, token, ...(token.endsWith('+') ? { pad: largeBody } : undefined) })
