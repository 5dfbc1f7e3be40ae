/** What every blob store accepts, whatever it is made of. A breach throws the typed error, for `attempt` to catch. */
import { annalsError } from '../domain/error.js'
import { hiddenSegment, isWriteOnce } from '../domain/keys.js'
import type { ByteRange } from '../domain/ports/index.js'

export const maxKeyBytes = 1024

const unwanted = /[\0\p{Surrogate}]/u

/** A key is one or more segments between slashes, none of them empty, `.` or `..`. */
export function checkKey(key: string): void {
  if (key === '' || hiddenSegment.test(key))
    refuse(key, "a key needs segments between slashes, none empty, '.' or '..'")
  checkText(key)
}

/** A prefix may end anywhere, in the middle of a segment too. */
export function checkPrefix(prefix: string): void {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder !== '' && (folder === '/' || hiddenSegment.test(folder.slice(0, -1)))) {
    refuse(prefix, "a prefix has no empty segment, no '.' and no '..'")
  }
  checkText(prefix)
}

function checkText(key: string): void {
  if (unwanted.test(key)) refuse(key, 'it holds a NUL or a lone surrogate')
  if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes)
    refuse(key, `it is over ${maxKeyBytes} bytes`)
}

export function checkRange(key: string, range: ByteRange): void {
  const { start, end } = range
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw annalsError('InvalidInput', {
      what: `byte range of ${key}`,
      problem: `${start} to ${end} is no range of bytes: whole numbers, 0 <= start <= end`,
    })
  }
}

/** Rule 10: log objects are never deleted. Checked for all keys before the first is deleted. */
export function checkDeletable(keys: ReadonlyArray<string>): void {
  for (const key of keys) {
    checkKey(key)
    if (isWriteOnce(key)) refuse(key, 'commits and large bodies are never deleted')
  }
}

export function refuse(key: string, problem: string): never {
  throw annalsError('InvalidInput', { what: `key ${JSON.stringify(key)}`, problem })
}
