/** The sizes that DynamoDB bounds, by its own way of counting: names and texts in UTF-8. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { annalsError } from '../../../domain/error.js'
import type { StoredItem } from './item-codec.js'

export const maxItemBytes = 400 * 1024
const maxTransactionBytes = 4 * 1024 * 1024

/** A number takes a byte for every two digits and a little more, but never more than this. */
const maxNumberBytes = 21

export function checkItemSize(stored: StoredItem): void {
  const actual = sizeOf(stored)
  if (actual <= maxItemBytes) return
  const what = `the item ${`${stored.pk?.S} ${stored.sk?.S}`.slice(0, 200)}`
  throw annalsError('LimitExceeded', { what, limit: maxItemBytes, actual, unit: 'bytes' })
}

export function checkTransactionSize(items: ReadonlyArray<StoredItem>): void {
  const actual = items.reduce((sum, item) => sum + sizeOf(item), 0)
  if (actual <= maxTransactionBytes) return
  throw annalsError('LimitExceeded', {
    what: 'a transaction of items',
    limit: maxTransactionBytes,
    actual,
    unit: 'bytes',
  })
}

function sizeOf(stored: StoredItem): number {
  let bytes = 0
  for (const name in stored) bytes += Buffer.byteLength(name) + sizeOfValue(stored[name] as AttributeValue)
  return bytes
}

function sizeOfValue({ S, N }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S)
  return N === undefined ? 1 : Math.min(maxNumberBytes, Math.ceil(N.length / 2) + 1)
}
