/** What an entry demands before it is processed: which versions, since when, and only of an interaction that knows of it. */
import * as E from 'fp-ts/lib/Either.js'
import type { Expectation } from '../../decide.js'
import { versionsIn } from '../../entity-tag.js'
import { type AnnalsError, annalsError } from '../../error.js'
import { readPeriod } from '../period.js'
import { type Entry, placeOf } from './read.js'

/** What a client has of a resource already. */
export interface Had {
  /** `exists`: whatever there is. */
  readonly versions?: ReadonlyArray<number> | 'exists'
  /** Microseconds since 1970, to the second. */
  readonly since?: number
}

/** `ifMatch`: one of these versions, or with a star any that there is. */
export function expectationIn({ index, request }: Entry): E.Either<AnnalsError, Expectation | undefined> {
  const { ifMatch } = request
  if (ifMatch === undefined) return E.right(undefined)
  if (ifMatch.trim() === '*') return E.right('exists')
  const versions = versionsIn(ifMatch)
  if (versions === undefined) return invalid(placeOf(index, 'request.ifMatch'), tagsNeeded)
  return E.right(versions.length === 1 ? versions[0] : versions)
}

/** `ifNoneMatch` goes before `ifModifiedSince`. */
export function hadIn({ index, request }: Entry): E.Either<AnnalsError, Had> {
  const { ifNoneMatch, ifModifiedSince } = request
  if (ifNoneMatch !== undefined) {
    const versions = ifNoneMatch.trim() === '*' ? 'exists' : versionsIn(ifNoneMatch)
    return versions === undefined ? invalid(placeOf(index, 'request.ifNoneMatch'), tagsNeeded) : E.right({ versions })
  }
  if (ifModifiedSince === undefined) return E.right({})
  const period = readPeriod(ifModifiedSince)
  return period === undefined
    ? invalid(placeOf(index, 'request.ifModifiedSince'), 'an instant is needed, such as 2026-11-22T10:15:00Z')
    : E.right({ since: period.from })
}

/** Whether what is read is what the client has. Instants are compared by the second, as in HTTP. */
export function isUnchanged({ versions, since }: Had, version: number, at: number): boolean {
  if (versions !== undefined) return versions === 'exists' || versions.includes(version)
  return since !== undefined && Math.floor(at / second) <= Math.floor(since / second)
}

const second = 1_000_000

/** A condition that an interaction does not know is refused: what passes over it could write what was not to be written. */
export function checkPreconditions({ index, request }: Entry): E.Either<AnnalsError, void> {
  const { method } = request
  const refuse = (member: string, problem: string): E.Either<AnnalsError, never> =>
    E.left(annalsError('NotSupported', { what: placeOf(index, `request.${member}`), problem }))
  if (method === 'GET' || method === 'HEAD') return E.right(undefined)
  if (request.ifNoneExist !== undefined && method !== 'POST') return refuse('ifNoneExist', 'it goes with POST only')
  if (request.ifMatch !== undefined && method === 'POST') return refuse('ifMatch', 'what is created has no version yet')
  if (request.ifNoneMatch === undefined || (method === 'PUT' && request.ifNoneMatch.trim() === '*'))
    return E.right(undefined)
  return refuse('ifNoneMatch', "of what is written, it is '*', and goes with PUT only")
}

const tagsNeeded = `entity tags are needed, such as W/"3", or '*'`

const invalid = (what: string, problem: string): E.Either<AnnalsError, never> =>
  E.left(annalsError('InvalidInput', { what, problem }))
