/**
 * Where a request is wrong, for its OperationOutcome: a FHIRPath into the resource that was sent, or `http.` with the name of a header or
 * parameter. (FHIR R4, OperationOutcome.issue: expression, location)
 */
import type { AnnalsError } from '../../domain/error.js'
import { expressionIn, type Issue } from '../../domain/fhir/outcome.js'

export type Place = Pick<Issue, 'expression' | 'location'>

const at = (name: string): Place => ({ location: [`http.${name}`] })

/** What is no request has no parts. */
export const inRequest = at('request')
export const inUrl = at('url')
export const inMethod = at('method')
export const inBody = at('body')
export const inHeader = at
export const inParameter = at

/** Of an error of the store, by what it names. `type`: of the resource that was sent. */
export function placeOfError(error: AnnalsError, type: string): Place {
  const { what, path } = error.data as { readonly what?: string; readonly path?: string }
  if (/^provenance\b/.test(path ?? what ?? '')) return inHeader('X-Provenance')
  switch (error._tag) {
    case 'InvalidBody': {
      const { path, line, column } = error.data
      return { ...expressionOf(path, type), location: [`line ${line}, column ${column}`] }
    }
    case 'Conflict': {
      const { expected, isUnselected, isDemanded } = error.data.conflicts[0] ?? {}
      if (expected === 'absent' && isUnselected === true) return { expression: [`${type}.id`] }
      return expected === 'exists' && isDemanded !== true
        ? inUrl
        : inHeader(expected === 'absent' ? 'If-None-Match' : 'If-Match')
    }
    case 'Forbidden':
      return inHeader('Authorization')
    case 'RequestKeyReused':
      return inHeader('Idempotency-Key')
    default:
      return what === undefined ? inUrl : placeNamed(what, type)
  }
}

/** What errors of the store name, and the request calls otherwise. */
const names: Readonly<Record<string, Place>> = {
  'request key': inHeader('Idempotency-Key'),
  causation: inHeader('X-Request-Id'),
  correlation: inHeader('traceparent'),
  cursor: inParameter('_page'),
  'the body': inBody,
  'the Bundle': { expression: ['Bundle'] },
  resourceType: { expression: ['Bundle'] },
}

const headers: Readonly<Record<string, Place>> = {
  url: inUrl,
  method: inMethod,
  ifMatch: inHeader('If-Match'),
  ifNoneMatch: inHeader('If-None-Match'),
  ifNoneExist: inHeader('If-None-Exist'),
}

/** An interaction by itself is processed as the only entry of a Bundle. */
function placeNamed(what: string, type: string): Place {
  const [, operation] = /, operation (\d+)/.exec(what) ?? []
  if (operation !== undefined) return { location: [`http.body, /${operation}`] }
  const [, header] = /^Bundle\.entry\[0\]\.request\.(\w+)/.exec(what) ?? []
  if (header !== undefined) return headers[header] ?? inUrl
  const path = expressionIn(what) ?? (what === 'body' ? '' : undefined)
  if (path !== undefined) return expressionOf(path, type) ?? inBody
  return names[what] ?? (/^_\w+$/.test(what) ? inParameter(what) : inUrl)
}

/** `path`: from the root of what was sent, or from that of the Bundle of which it would be an entry. */
function expressionOf(path: string, type: string): Place | undefined {
  const inside = path.replace(/^Bundle\.entry\[0\]\.resource\b\.?/, '')
  if (inside === '') return { expression: [type] }
  // Of a JSON Patch, which would be a Binary there.
  if (inside === 'data' && type !== 'Binary') return undefined
  if (inside.startsWith('Bundle')) return { expression: [inside] }
  if (!/^[a-z]\w*(\[\d+\])?(\.\w+(\[\d+\])?)*$/i.test(inside)) return undefined
  return { expression: [`${inside.startsWith('parameter[') ? 'Parameters' : type}.${inside}`] }
}
