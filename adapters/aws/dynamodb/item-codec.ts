/**
 * Items as DynamoDB keeps them: attributes under their own names, so that a person reads the table; `expires_at` for its
 * time to live; `_rev` and `_write` for compare-and-set. An attribute that would take one of these names gets one more
 * underscore in front.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Attribute, Item } from '../../../domain/ports/index.js'
import { checkItemSize } from './limits.js'

export type StoredItem = Record<string, AttributeValue>

/** The number attribute of the table's time to live, in seconds since 1970. */
export const expiryAttribute = 'expires_at'
/** Counts the changes by compare-and-set. */
export const revAttribute = '_rev'
/** Names the write that made the item what it is: how a writer knows its own success again. */
export const writeAttribute = '_write'

const own = new Set(['pk', 'sk', expiryAttribute])

const storedName = (name: string): string => (own.has(name) || name.startsWith('_') ? `_${name}` : name)

export const keyOf = (pk: string, sk: string): StoredItem => ({ pk: { S: pk }, sk: { S: sk } })

/** `write` is the name of the write, where it has one. Refuses an item that is too large for the table. */
export function storedOf(item: Item, write?: string): StoredItem {
  const stored = keyOf(item.pk, item.sk)
  for (const [name, value] of Object.entries(item.attributes)) stored[storedName(name)] = storedValue(value)
  if (item.rev !== undefined) stored[revAttribute] = { N: String(item.rev) }
  if (item.expiresAt !== undefined) stored[expiryAttribute] = { N: String(item.expiresAt) }
  if (write !== undefined) stored[writeAttribute] = { S: write }
  checkItemSize(stored)
  return stored
}

export function itemOf(stored: StoredItem): Item {
  const attributes: Record<string, Attribute> = {}
  for (const [name, value] of Object.entries(stored)) {
    if (own.has(name) || name === revAttribute || name === writeAttribute) continue
    attributes[name.startsWith('_') ? name.slice(1) : name] = attributeOf(value)
  }
  const { [revAttribute]: rev, [expiryAttribute]: expiresAt } = stored
  return {
    pk: stored.pk?.S ?? '',
    sk: stored.sk?.S ?? '',
    attributes,
    ...(rev?.N !== undefined && { rev: Number(rev.N) }),
    ...(expiresAt?.N !== undefined && { expiresAt: Number(expiresAt.N) }),
  }
}

function storedValue(value: Attribute): AttributeValue {
  if (typeof value === 'string') return { S: value }
  return typeof value === 'number' ? { N: String(value) } : { BOOL: value }
}

function attributeOf(value: AttributeValue): Attribute {
  if (value.N !== undefined) return Number(value.N)
  return value.BOOL ?? value.S ?? ''
}
