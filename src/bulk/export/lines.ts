/** What an export writes beside resources: deletions, and what could not be exported. */
import { Buffer } from 'node:buffer'
import type { AnnalsError } from '../../../domain/error.js'
import { outcomeOf } from '../../../domain/fhir/outcome.js'
import { type ResourceRef, refKey } from '../../../domain/resource.js'
import type { Parts } from './parts.js'

/** Deletions in one Bundle. */
const perBundle = 100

export interface Deletions {
  add(ref: ResourceRef): Promise<void> | undefined
  /** Adds those that make no full Bundle. */
  flush(): Promise<void> | undefined
}

/** Gathers deletions into transaction Bundles, of which each is a line. */
export function makeDeletions(parts: Parts): Deletions {
  let gathered: string[] = []

  function flush(): Promise<void> | undefined {
    if (gathered.length === 0) return undefined
    const entry = gathered.map((url) => ({ request: { method: 'DELETE', url } }))
    gathered = []
    return parts.add('deleted', undefined, lineOf({ resourceType: 'Bundle', type: 'transaction', entry }))
  }

  return {
    flush,
    add(ref) {
      gathered.push(refKey(ref))
      return gathered.length < perBundle ? undefined : flush()
    },
  }
}

export const errorLine = (error: AnnalsError): Uint8Array => lineOf(outcomeOf(error))

export const lineOf = (said: object): Uint8Array => Buffer.from(JSON.stringify(said))
