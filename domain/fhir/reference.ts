/** References to resources of the same server. (FHIR R4, References: literal references) */
import type { ResourceRef } from '../resource.js'

const relative = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/

/** The resource that a literal reference names, whatever version of it. A URL is another server's, unless it begins with `base`. */
export function localReference(reference: string, base?: string): ResourceRef | undefined {
  const root = base === undefined || base.endsWith('/') ? base : `${base}/`
  const path = root !== undefined && reference.startsWith(root) ? reference.slice(root.length) : reference
  const [, type, id] = relative.exec(path) ?? []
  return type === undefined || id === undefined ? undefined : { type, id }
}
