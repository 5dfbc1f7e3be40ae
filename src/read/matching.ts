/**
 * What a condition selects, as of one head: resources that were stated under its keys at some time, whose version as of that
 * head says so still.
 */
import { scanBody } from '../../domain/body/index.js'
import { annalsError } from '../../domain/error.js'
import { type Condition, candidatesOf, selects } from '../../domain/fhir/condition.js'
import { foundBy } from '../../domain/fhir/found-by.js'
import { keyPk } from '../../domain/keys.js'
import { statedFromItem, type VersionPointer } from '../../domain/pointer.js'
import type { PointerStore } from '../../domain/ports/index.js'
import { mapBounded, orThrow, run } from '../../domain/task.js'
import type { Limits } from '../limits.js'
import { bodiesOf } from './bodies.js'
import type { LogReader } from './log-reader.js'
import type { Bound, Reader } from './reader.js'

export interface Match {
  readonly pointer: VersionPointer
  readonly body: Uint8Array
}

export interface Matching {
  /** Sorted by id. More than 1,000 candidates, or very large ones, are a `LimitExceeded`: a condition is meant for one resource, or a few. */
  match(condition: Condition, bound: Bound): Promise<Match[]>
}

export interface MatchingDeps {
  readonly log: LogReader
  readonly pointers: PointerStore
  readonly reader: Reader
  readonly limits: Limits
}

const tooMuch = (limit: number, actual: number, unit: string) =>
  annalsError('LimitExceeded', { what: 'what a condition may select', limit, actual, unit })

const maxCandidates = 1_000
const itemsPerQuery = 100

export function makeMatching({ log, pointers, reader, limits }: MatchingDeps): Matching {
  async function match(condition: Condition, bound: Bound): Promise<Match[]> {
    const { type } = condition
    const ids = (await candidateIds(condition, bound)).sort()
    const found = await mapBounded(ids, limits.concurrency, (id) => reader.versionWithin({ type, id }, bound))
    const standing = found.filter((pointer) => pointer !== undefined && pointer.op !== 'delete') as VersionPointer[]
    const bytes = standing.reduce((sum, { length = 0 }) => sum + length, 0)
    if (bytes > limits.maxReadBytes) throw tooMuch(limits.maxReadBytes, bytes, 'bytes of resources')
    const bodies = await bodiesOf(reader, standing, limits)
    return standing.flatMap((pointer, place) => {
      const body = bodies[place] as Uint8Array
      return selects(condition, pointer.id, foundBy(body, orThrow(scanBody(body)))) ? [{ pointer, body }] : []
    })
  }

  async function candidateIds(condition: Condition, bound: Bound): Promise<string[]> {
    const candidates = candidatesOf(condition)
    if ('ids' in candidates) return [...candidates.ids]
    const ids = new Set<string>()
    await mapBounded(candidates.keys, limits.concurrency, async (key) => {
      const pk = keyPk(log, condition.type, key)
      let token: string | undefined
      do {
        const page = await run(pointers.query({ pk, limit: itemsPerQuery, token }))
        for (const { id, seq } of page.items.map(statedFromItem)) if (seq <= bound.seq) ids.add(id)
        if (ids.size > maxCandidates) throw tooMuch(maxCandidates, ids.size, 'resources')
        token = page.token
      } while (token !== undefined)
    })
    return [...ids]
  }

  return { match }
}
