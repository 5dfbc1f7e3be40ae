/** What an error of the operating system means to the store. */
import { getSystemErrorName } from 'node:util'
import { type AnnalsError, annalsError, isAnnalsError } from '../../domain/error.js'

/** One call of a port, and whether a change that it made can already be seen. */
export interface Call {
  readonly operation: string
  readonly key: string
  applied: boolean
}

/** Nothing changed and a repetition will not help: what a person has to mend. */
const refusals: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room and try again',
  EDQUOT: 'the disk quota is used up: make room and try again',
  EROFS: 'the file system is read-only, and an embedded store writes its locks and pointers even to read',
  EACCES: 'this user may not write here: give it the folder',
  EPERM: 'this user may not write here, or the file system has no hard links',
  EOPNOTSUPP: 'the file system has no hard links, which an embedded store needs: use another one',
  ENOTSUP: 'the file system has no hard links, which an embedded store needs: use another one',
  EXDEV: 'tmp/ and objects/ of the store are on different file systems: keep them on one',
  EMLINK: 'the file system allows no more links',
}

const hints: Readonly<Record<string, string>> = {
  EMFILE: 'this process has too many open files: raise its limit',
  ENFILE: 'the machine has too many open files',
  ENOENT: 'a folder of the store has vanished',
}

const badKeys: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'a segment is too long for a file name',
  ENOTDIR: 'a part of it is an object, and cannot hold further objects',
  EISDIR: 'it holds further objects, and cannot be one',
}

/** The name of an error of the system. LMDB gives its number, and negative ones to errors of its own. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  const name = typeof code === 'number' && code > 0 ? getSystemErrorName(-code) : code
  return typeof name === 'string' && /^E[A-Z0-9]+$/.test(name) ? name : undefined
}

/** The typed error of what a call threw. What is no error of the system is a defect and thrown again. */
export function storageError(error: unknown, call: Call): AnnalsError {
  if (isAnnalsError(error)) return error
  const code = errnoOf(error)
  if (code === undefined) throw error
  const { operation, key, applied } = call
  const problem = badKeys[code]
  if (problem !== undefined && !applied) {
    return annalsError('InvalidInput', { what: `key ${JSON.stringify(key)}`, problem })
  }
  const sentence = refusals[code] ?? hints[code]
  const cause = sentence === undefined ? (error as Error).message : `${sentence} (${code})`
  return annalsError(code in refusals && !applied ? 'StorageRefused' : 'Unavailable', { operation, key, cause })
}

/** Runs `body`, and answers `instead` if it throws this error of the system. */
export function unless<A, B>(code: string, body: () => A, instead: B): A | B {
  try {
    return body()
  } catch (error) {
    if (errnoOf(error) === code) return instead
    throw error
  }
}
