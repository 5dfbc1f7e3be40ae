/** Patches of FHIR resources and of other documents: JSON Patch, and FHIRPath Patch for those who send Parameters. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { membersOf, scanBody, textAt } from '../../body/index.js'
import type { AnnalsError } from '../../error.js'
import { applyJsonPatch, type JsonPatch, readJsonPatch } from '../../patch/json-patch.js'
import type { Kind } from '../../resource.js'
import { applyFhirPathPatch, type PatchOptions } from './apply.js'
import { type FhirPathPatch, readFhirPathPatch } from './read.js'

export type { PatchOptions } from './apply.js'

export type Patch =
  | { readonly language: 'json'; readonly operations: JsonPatch }
  | { readonly language: 'fhirpath'; readonly operations: FhirPathPatch }

/** By what it is: a list is a JSON Patch, and a Parameters resource a FHIRPath Patch. `what` names the patch in errors. */
export const readPatch = (kind: Kind, what: string, bytes: Uint8Array): E.Either<AnnalsError, Patch> =>
  kind === 'fhir' && isParameters(bytes)
    ? pipe(
        readFhirPathPatch(what, bytes),
        E.map((operations) => ({ language: 'fhirpath', operations })),
      )
    : pipe(
        readJsonPatch(what, bytes),
        E.map((operations) => ({ language: 'json', operations })),
      )

export function isParameters(bytes: Uint8Array): boolean {
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) return false
  for (const member of membersOf(bytes, scanned.right.open - 1))
    if (member.name === 'resourceType') return textAt(bytes, member) === 'Parameters'
  return false
}

/** All of the patch, or the first operation that cannot be, as `PatchFailed`. */
export const applyPatch = (
  what: string,
  patch: Patch,
  document: Uint8Array,
  options: PatchOptions,
): E.Either<AnnalsError, Uint8Array> =>
  patch.language === 'json'
    ? applyJsonPatch(what, patch.operations, document, options.maxBytes)
    : applyFhirPathPatch(what, patch.operations, document, options)
