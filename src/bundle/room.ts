/**
 * Room for the bodies of an answer: its entries are few bytes of a request and may ask for any number of bytes. What has been written
 * is answered all the same, without the body.
 */
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { placeOf } from '../../domain/fhir/bundle/read.js'
import type { Outcome } from '../../domain/fhir/outcome.js'
import type { Limits } from '../limits.js'

export interface Room {
  /** Whether there is room for so many bytes more, which then is taken. */
  take(bytes: number): boolean
  /** For an entry that has none, where nothing depends on it. */
  exceeded(index: number, bytes: number): AnnalsError
}

export function makeRoom({ maxReadBytes: limit }: Pick<Limits, 'maxReadBytes'>): Room {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > limit) return false
      taken += bytes
      return true
    },
    exceeded(index, bytes) {
      const what = `${placeOf(index)}, with all that is read before it,`
      return annalsError('LimitExceeded', { what, limit, actual: taken + bytes, unit: 'bytes of resources' })
    },
  }
}

/** Of an entry without its body. */
export const withoutBody: Outcome = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'warning',
      code: 'too-costly',
      diagnostics: 'the resource is not shown, since the answer would be too large; read it by itself',
    },
  ],
}
