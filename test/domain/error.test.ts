/** The error union: codes that never change, and messages that hold no content. */
import { describe, expect, test } from 'vitest'
import { readDocument } from '../../domain/document.js'
import { annalsError, type ErrorTag, type Failures, isAnnalsError } from '../../domain/error.js'

const samples: { [T in ErrorTag]: Failures[T] } = {
  InvalidInput: { what: 'id', problem: 'it is empty' },
  InvalidBody: { problem: 'it is empty', line: 1, column: 1, offset: 0, path: '' },
  LimitExceeded: { what: 'the body', limit: 1, actual: 2, unit: 'bytes' },
  Conflict: { conflicts: [{ operation: 0, type: 'Note', id: 'a', expected: 1, actual: 2, deleted: false }] },
  Contended: { what: 'the transaction', plans: 3 },
  NoMatch: { what: 'entry 0' },
  MultipleMatches: { what: 'entry 0', matches: 2 },
  PatchFailed: { what: 'operation 0', problem: 'what its path names does not exist' },
  Forbidden: { what: 'entry 0', permission: 'c', type: 'Patient' },
  NotSupported: { what: 'entry 0', problem: 'this release does not do that' },
  RequestKeyReused: { position: '1-0' },
  Unpublished: { position: '0-1', cause: 'timeout' },
  OutcomeUnknown: { log: 't/0', seq: 1, cause: 'timeout' },
  Unavailable: { operation: 'get', key: 'k', cause: 'timeout' },
  StorageRefused: { operation: 'put', key: 'k', cause: 'disk full' },
  TenantNotFound: { tenant: 't' },
  TenantMismatch: { tenant: 't', what: 'kind', expected: 'fhir', actual: 'json' },
  NotAStore: { url: 'file:x', problem: 'it is not empty' },
  UnsupportedFormat: { key: 'k', format: 'annals/2', supported: 'annals/1' },
  NeedsRecovery: { log: 't/0', problem: 'the pointers are gone' },
  LogMismatch: { log: 't/0', seq: 1, problem: 'another hash' },
  Diverged: { log: 't/0', seq: 1, problem: 'another commit' },
  Corrupt: { key: 'k', problem: 'cut short' },
  ClockSkew: { log: 't/0', headAt: 'later', now: 'now', allowedMs: 1 },
  ProjectionParked: { projection: 'names', position: '0-3-1', cause: 'TypeError', failures: 8 },
  Cancelled: { what: 'the write' },
}

const all = (Object.keys(samples) as ErrorTag[]).map((tag) => annalsError(tag, samples[tag] as never))

describe('an error', () => {
  test('has a code that never changes', () => {
    expect(Object.fromEntries(all.map(({ _tag, code }) => [_tag, code]))).toEqual({
      InvalidInput: 'ANNALS_INVALID_INPUT',
      InvalidBody: 'ANNALS_INVALID_BODY',
      LimitExceeded: 'ANNALS_LIMIT_EXCEEDED',
      Conflict: 'ANNALS_CONFLICT',
      Contended: 'ANNALS_CONTENDED',
      NoMatch: 'ANNALS_NO_MATCH',
      MultipleMatches: 'ANNALS_MULTIPLE_MATCHES',
      PatchFailed: 'ANNALS_PATCH_FAILED',
      Forbidden: 'ANNALS_FORBIDDEN',
      NotSupported: 'ANNALS_NOT_SUPPORTED',
      RequestKeyReused: 'ANNALS_REQUEST_KEY_REUSED',
      Unpublished: 'ANNALS_UNPUBLISHED',
      OutcomeUnknown: 'ANNALS_OUTCOME_UNKNOWN',
      Unavailable: 'ANNALS_UNAVAILABLE',
      StorageRefused: 'ANNALS_STORAGE_REFUSED',
      TenantNotFound: 'ANNALS_TENANT_NOT_FOUND',
      TenantMismatch: 'ANNALS_TENANT_MISMATCH',
      NotAStore: 'ANNALS_NOT_A_STORE',
      UnsupportedFormat: 'ANNALS_UNSUPPORTED_FORMAT',
      NeedsRecovery: 'ANNALS_NEEDS_RECOVERY',
      LogMismatch: 'ANNALS_LOG_MISMATCH',
      Diverged: 'ANNALS_DIVERGED',
      Corrupt: 'ANNALS_CORRUPT',
      ClockSkew: 'ANNALS_CLOCK_SKEW',
      ProjectionParked: 'ANNALS_PROJECTION_PARKED',
      Cancelled: 'ANNALS_CANCELLED',
    })
  })

  test('is retryable where the same call may succeed later, and a conflict never is', () => {
    expect(all.filter(({ retryable }) => retryable).map(({ _tag }) => _tag)).toEqual([
      'Contended',
      'Unpublished',
      'OutcomeUnknown',
      'Unavailable',
    ])
  })

  test('is an Error with a message, and is told from any other', () => {
    for (const error of all) {
      expect(error).toBeInstanceOf(Error)
      expect(isAnnalsError(error)).toBe(true)
      expect(error.message.length).toBeGreaterThan(5)
      expect(error.message).not.toMatch(/undefined|\[object|NaN/)
    }
    for (const other of [new Error('x'), { _tag: 'Conflict' }, undefined, 'Conflict'])
      expect(isAnnalsError(other)).toBe(false)
  })

  test('goes into a log line with its data', () => {
    for (const error of all) {
      const { tag, code, message, retryable, ...data } = JSON.parse(JSON.stringify(error))
      expect({ tag, code, message, retryable }).toEqual({
        tag: error._tag,
        code: error.code,
        message: error.message,
        retryable: error.retryable,
      })
      expect(data).toEqual(samples[error._tag])
    }
  })

  test('says of each conflict what was expected and what is there', () => {
    const conflict = (expected: number | 'exists' | 'absent', actual: number, deleted = false): string =>
      annalsError('Conflict', { conflicts: [{ operation: 0, type: 'Note', id: 'a', expected, actual, deleted }] })
        .message
    expect(conflict(1, 2)).toBe('Note/a was expected to be at version 1, but it is at version 2')
    expect(conflict('exists', 0)).toBe('Note/a was expected to be present, but it does not exist')
    expect(conflict('exists', 2, true)).toBe('Note/a was expected to be present, but it is at version 2, deleted')
    expect(conflict('absent', 2)).toBe('Note/a was expected to be absent, but it is at version 2')
    expect(conflict(0, 2)).toBe('Note/a was expected to be absent, but it is at version 2')
  })

  test('of a body holds none of its content', () => {
    const secret = 'Jane-Doe-1970'
    const bodies = [
      `{"name":"${secret}"`,
      `{"name":"${secret}",}`,
      `{"name":"${secret}","name":"${secret}"}`,
      `{"name":${secret}}`,
      `["${secret}"]`,
      `{"resourceType":"Patient","meta":"${secret}"}`,
      `{"resourceType":"Patient","name":"${secret}\u0001"}`,
    ]
    for (const body of bodies) {
      const read = readDocument('fhir', Buffer.from(body), 'Patient', undefined)
      expect(read._tag, body).toBe('Left')
      if (read._tag === 'Left') expect(JSON.stringify(read.left) + read.left.message).not.toContain(secret)
    }
  })
})
