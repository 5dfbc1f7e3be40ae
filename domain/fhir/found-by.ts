/**
 * What a FHIR resource can be found by: its identifiers and its canonical URL. Each has a key, a short hash that depends on
 * nothing but the text, so that an index of keys neither shows nor repeats what resources say.
 */
import { hash } from 'node:crypto'
import { asBuffer } from '../body/bytes.js'
import type { Member, Outline } from '../body/index.js'

/** An `Identifier` with a value. */
export interface Identifier {
  readonly system?: string
  readonly value: string
}

export interface FoundBy {
  readonly identifiers: ReadonlyArray<Identifier>
  readonly url?: string
}

export interface Keys {
  /** Equal for equal keys. */
  readonly digest: string
  /** Sorted, each once. */
  readonly all: ReadonlyArray<string>
}

/** Reads the root's `identifier`, one or a list, and its `url`. What is not of its type there can be found by nothing. */
export function foundBy(bytes: Uint8Array, { identifier, url }: Outline): FoundBy {
  return {
    identifiers: identifier === undefined ? [] : identifiersIn(bytes, identifier),
    ...(url?.text === undefined ? undefined : { url: url.text }),
  }
}

function identifiersIn(bytes: Uint8Array, { kind, start, end }: Member): Identifier[] {
  if (kind !== 'array' && kind !== 'object') return []
  const said: unknown = JSON.parse(asBuffer(bytes).toString('utf8', start, end))
  return (Array.isArray(said) ? said : [said]).flatMap((each: unknown) => {
    const { system, value } = (each ?? {}) as { system?: unknown; value?: unknown }
    if (typeof value !== 'string' || value === '') return []
    return [typeof system === 'string' ? { system, value } : { value }]
  })
}

/** The key of an identifier's value, whatever its system. */
export const identifierKey = (value: string): string => `i${short(value)}`
export const urlKey = (url: string): string => `u${short(url)}`

/** `undefined` where there is nothing to find it by. */
export function keysOf({ identifiers, url }: FoundBy): Keys | undefined {
  if (identifiers.length === 0 && url === undefined) return undefined
  const keys = new Set(identifiers.map(({ value }) => identifierKey(value)))
  if (url !== undefined) keys.add(urlKey(url))
  const all = [...keys].sort()
  return { digest: all.length === 1 ? (all[0] as string) : short(all.join()), all }
}

/** 128 bits: two texts share a key by chance after some 10^19 of them, and then a look at the body tells them apart. */
const short = (text: string): string => hash('sha256', text, 'buffer').toString('base64url', 0, 16)
