/**
 * Names in the object model, which anyone may list with an ordinary S3 client:
 *
 *     {tenant}/resources/{type}/{id}/current.json
 *     {tenant}/resources/{type}/{id}/_history/{version}.json
 *     {tenant}/history/type/{type}/{ts}_{id}_{version}_{position}.json
 *     {tenant}/history/system/{ts}_{type}_{id}_{version}_{position}.json
 *
 * Every segment is percent-encoded, and `{ts}` is `YYYYMMDDTHHMMSSuuuuuuZ`, so names sort as the events do.
 */
import * as E from 'fp-ts/lib/Either.js'
import { sha256 } from '../../domain/commit.js'
import { formatInstant } from '../../domain/instant.js'
import { decodeSegment, encodeSegment, encodeType } from '../../domain/keys.js'
import type { VersionPointer } from '../../domain/pointer.js'
import { formatPosition, type Position, parsePosition } from '../../domain/position.js'

/** The four parts of the object model. */
export const objectParts = ['current', 'versions', 'type-history', 'system-history'] as const
export type ObjectPart = (typeof objectParts)[number]

export const resourcesPrefix = (tenant: string): string => `${encodeSegment(tenant)}/resources/`
export const historyPrefix = (tenant: string): string => `${encodeSegment(tenant)}/history/`

const resourcePrefix = (tenant: string, { type, id }: Pick<VersionPointer, 'type' | 'id'>): string =>
  `${resourcesPrefix(tenant)}${encodeType(type)}/${encodeSegment(id)}/`

export function objectKey(tenant: string, part: ObjectPart, pointer: VersionPointer): string {
  switch (part) {
    case 'current':
      return `${resourcePrefix(tenant, pointer)}current.json`
    case 'versions':
      return `${resourcePrefix(tenant, pointer)}_history/${pointer.version}.json`
    case 'type-history':
      return `${historyPrefix(tenant)}type/${encodeType(pointer.type)}/${eventName(pointer, '')}`
    case 'system-history':
      return `${historyPrefix(tenant)}system/${eventName(pointer, `${encodeType(pointer.type)}_`)}`
  }
}

function eventName(pointer: VersionPointer, type: string): string {
  const named = shortened(`${type}${encodeSegment(pointer.id)}`)
  return `${timestamp(pointer.at)}_${named}_${pointer.version}_${formatPosition(pointer)}.json`
}

/** A file name has at most 255 bytes. Names of FHIR resources are never that long. */
const shortened = (name: string): string =>
  name.length <= longestName ? name : `${name.slice(0, longestName - 25)}~${sha256(name).slice(0, 24)}`

const longestName = 180

/** `2026-11-22T10:15:30.123456Z` without its punctuation. */
const timestamp = (at: number): string => formatInstant(at).replace(/[-:.]/g, '')

/** What a key of the object model says of the event that it stands for. */
export type ObjectName =
  | { readonly part: 'current'; readonly type: string; readonly id: string }
  | { readonly part: 'versions'; readonly type: string; readonly id: string; readonly version: number }
  | { readonly part: 'type-history' | 'system-history'; readonly position: Position }

/** `undefined` for a key that nothing in the object model has. */
export function parseObjectKey(tenant: string, key: string): ObjectName | undefined {
  if (key.startsWith(resourcesPrefix(tenant))) return resourceName(key.slice(resourcesPrefix(tenant).length))
  if (key.startsWith(historyPrefix(tenant))) return historyName(key.slice(historyPrefix(tenant).length))
  return undefined
}

function resourceName(rest: string): ObjectName | undefined {
  const [, type, id = '', version] = /^([^/]+)\/([^/]+)\/(?:current|_history\/([1-9]\d{0,9}))\.json$/.exec(rest) ?? []
  if (type === undefined) return undefined
  const ref = decoded({ type, id })
  if (ref === undefined) return undefined
  return version === undefined ? { part: 'current', ...ref } : { part: 'versions', ...ref, version: Number(version) }
}

/** Anybody may have put an object there: `undefined` for what no name is encoded as. */
function decoded({ type, id }: { type: string; id: string }): { type: string; id: string } | undefined {
  try {
    return { type: decodeSegment(type), id: decodeSegment(id) }
  } catch {
    return undefined
  }
}

function historyName(rest: string): ObjectName | undefined {
  const [, level, position = ''] = /^(type\/[^/]+|system)\/[^/]+_(\d+-\d+-\d+)\.json$/.exec(rest) ?? []
  const parsed = parsePosition(position)
  if (level === undefined || E.isLeft(parsed)) return undefined
  return { part: level === 'system' ? 'system-history' : 'type-history', position: parsed.right }
}
