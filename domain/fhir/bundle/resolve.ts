/**
 * Resolves links between the entries of a Bundle: by full URL, or relative to the base of the entry's own. What is of a version stays
 * so. (FHIR R4, Bundle: resolving references)
 */
import type { Resolve } from './links.js'

/** What an entry has become. */
export interface Destination {
  /** `Type/id` */
  readonly ref: string
  /** The version that it is known to have; where it is not, the version that was asked for stays. */
  readonly version?: number
}

export function resolverOf(destinations: ReadonlyMap<string, Destination>, fullUrl: string | undefined): Resolve {
  const base = fullUrl === undefined ? undefined : restful.exec(fullUrl)?.[1]
  return (link) => {
    const [, url = '', history = '', rest = ''] = parts.exec(link) ?? []
    const found =
      destinations.get(url) ?? (base !== undefined && relative.test(url) ? destinations.get(base + url) : undefined)
    if (found === undefined) return undefined
    const version = history === '' ? '' : found.version === undefined ? history : `/_history/${found.version}`
    return found.ref + version + rest
  }
}

/** `Type?condition`: legal in references of a transaction only. */
export const conditionalReference = /^([A-Z][A-Za-z]{0,63})\?(.*)$/s

const parts = /^([^#]*?)(\/_history\/[A-Za-z0-9\-.]{1,64})?(#.*)?$/s
const restful = /^(https?:\/\/.*\/)[A-Z][A-Za-z]{0,63}\/[A-Za-z0-9\-.]{1,64}$/
const relative = /^[A-Z][A-Za-z]{0,63}\/[A-Za-z0-9\-.]{1,64}$/
