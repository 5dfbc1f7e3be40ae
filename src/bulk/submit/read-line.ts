/** What a line asks for, or what is wrong with it. What is said of it never quotes it. */
import type { Buffer } from 'node:buffer'
import * as E from 'fp-ts/lib/Either.js'
import { type Outline, scanBody } from '../../../domain/body/index.js'
import { sha256 } from '../../../domain/commit.js'
import { documentFrom, ReadBody } from '../../../domain/document.js'
import type { AnnalsError } from '../../../domain/error.js'
import { readBundle } from '../../../domain/fhir/bundle/read.js'
import { outcomeOf } from '../../../domain/fhir/outcome.js'
import { isResourceType } from '../../../domain/fhir/resource-types.js'
import { type FhirVersion, releaseNames } from '../../../domain/fhir/version.js'
import { checkId, type ResourceRef } from '../../../domain/resource.js'
import type { LineResult } from './api.js'
import type { FileDocument } from './journal.js'

export type Issue = NonNullable<LineResult['issue']>

/** `body` is absent where the resource is to be deleted. */
export interface Wanted extends ResourceRef {
  readonly line: number
  readonly body?: ReadBody
}

export interface Rejected {
  readonly line: number
  readonly issue: Issue
}

const problem = (line: number, code: string, diagnostics: string): Rejected => ({ line, issue: { code, diagnostics } })

const refused = (line: number, error: AnnalsError): Rejected => {
  const [issue] = outcomeOf(error).issue
  return problem(line, issue?.code ?? 'invalid', error.message)
}

/** `place`: what an id is made of where a line has none, so that the same line has the same. */
export function readLine(
  { kind, type }: Pick<FileDocument, 'kind' | 'type'>,
  fhirVersion: FhirVersion,
  line: number,
  bytes: Buffer | undefined,
  place: string,
): ReadonlyArray<Wanted> | Rejected {
  if (bytes === undefined) return problem(line, 'too-long', 'the line is over the limit of a resource')
  return kind === 'deletions'
    ? readDeletions(fhirVersion, line, bytes)
    : readResource(fhirVersion, line, bytes, type, place)
}

function readResource(
  fhirVersion: FhirVersion,
  line: number,
  bytes: Buffer,
  type: string | undefined,
  place: string,
): ReadonlyArray<Wanted> | Rejected {
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) return refused(line, scanned.left)
  const outline: Outline = scanned.right
  const said = outline.resourceType?.text
  if (said === undefined) return problem(line, 'structure', 'it has no resourceType')
  if (!isResourceType(said, fhirVersion))
    return problem(line, 'not-supported', `its resourceType is none of FHIR ${releaseNames[fhirVersion]}`)
  if (type !== undefined && said !== type)
    return problem(line, 'value', `its resourceType is not ${type}, as its file says`)
  if (outline.id !== undefined && outline.id.text === undefined) return problem(line, 'value', 'its id is no text')
  const id = checkId('fhir', outline.id?.text ?? idOf(place, line))
  if (E.isLeft(id)) return problem(line, 'value', 'its id is none of FHIR: 1 to 64 of the characters A-Z a-z 0-9 - .')
  const document = documentFrom('fhir', bytes, outline, said, id.right)
  return E.isLeft(document)
    ? refused(line, document.left)
    : [{ line, type: said, id: id.right, body: new ReadBody(bytes, document.right) }]
}

/** A UUID of version 8. */
function idOf(place: string, line: number): string {
  const digest = sha256(`${place}\n${line}`)
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16)
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, variant + digest.slice(17, 20)]
  return [...parts, digest.slice(20, 32)].join('-')
}

function readDeletions(fhirVersion: FhirVersion, line: number, bytes: Buffer): ReadonlyArray<Wanted> | Rejected {
  const bundle = readBundle(bytes)
  if (E.isLeft(bundle)) return refused(line, bundle.left)
  const found: Wanted[] = []
  for (const { request } of bundle.right.entries) {
    const [, type = '', id = ''] = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})$/.exec(request.url) ?? []
    if (request.method !== 'DELETE' || !isResourceType(type, fhirVersion))
      return problem(line, 'value', 'each entry is a DELETE of a resource by its type and id')
    found.push({ line, type, id })
  }
  return found
}
