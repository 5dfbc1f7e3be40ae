/**
 * What writers ask for. A request can be told in a line and asked again by another process: its bodies follow from its
 * key, so that the repetition says the same, byte for byte.
 */
import type { OperationInput } from '../../src/index.js'
import type { Random } from './random.js'

export type Wish =
  | { readonly op: 'create'; readonly id?: string; readonly size: number }
  | { readonly op: 'update'; readonly id: string; readonly size: number; readonly expect?: number }
  | { readonly op: 'delete'; readonly id: string; readonly expect?: number }

export interface Request {
  readonly key: string
  readonly wishes: ReadonlyArray<Wish>
}

export const resourceType = 'Basic'

/** Bodies over this many bytes go to `blobs/`, so that a few kilobytes exercise that way too. */
export const maxInlineBytes = 4096

/** Few enough that writers get into each other's way all the time. */
const sharedIds = Array.from({ length: 40 }, (_, i) => `shared-${i}`)

/** A request of one operation, or sometimes a transaction of several resources. `known`: versions seen lately. */
export function makeRequest(key: string, random: Random, known: ReadonlyMap<string, number>): Request {
  const count = random.chance(0.25) ? 2 + random.below(4) : 1
  const ids = new Set<string>()
  while (ids.size < count) ids.add(random.pick(sharedIds))
  return { key, wishes: [...ids].map((id) => makeWish(id, random, known.get(id))) }
}

function makeWish(id: string, random: Random, known: number | undefined): Wish {
  const size = random.chance(0.03) ? maxInlineBytes + random.below(4000) : random.below(600)
  const expect = known !== undefined && random.chance(0.5) ? known : undefined
  const dice = random.next()
  if (dice < 0.15) return { op: 'create', size }
  if (dice < 0.3) return { op: 'create', id, size }
  if (dice < 0.4) return { op: 'delete', id, expect }
  return { op: 'update', id, size, expect }
}

export const operationsOf = ({ key, wishes }: Request): OperationInput[] =>
  wishes.map((wish, part): OperationInput => {
    if (wish.op === 'delete') return { op: 'delete', type: resourceType, id: wish.id, expect: wish.expect }
    const body = bodyOf(key, part, wish.size)
    if (wish.op === 'create') return { op: 'create', type: resourceType, id: wish.id, body }
    return { op: 'update', type: resourceType, id: wish.id, body, expect: wish.expect }
  })

/** The body of a request's operation, without what the store stamps. */
export const bodyOf = (key: string, part: number, size: number): string =>
  JSON.stringify({ resourceType, request: key, part, padding: `${key}.${part} `.repeat(size).slice(0, size) })

/** A stored body without the stamp. */
export function withoutStamp(text: string): string {
  const { id: _id, meta: _meta, ...rest } = JSON.parse(text)
  return JSON.stringify(rest)
}
