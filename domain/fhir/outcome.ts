/** Failures as FHIR tells them: an HTTP status, and an OperationOutcome with one issue for each thing that is wrong. */
import { type AnnalsError, absurd, describeConflict, type VersionConflict } from '../error.js'

export interface Issue {
  readonly severity: 'error' | 'fatal' | 'warning'
  /** Of the value set issue-type (FHIR 4.0.1). */
  readonly code: string
  readonly diagnostics: string
  /** A FHIRPath. */
  readonly expression?: readonly [string]
  /** Where no FHIRPath leads: `http.` with the name of a header or parameter, or a line of the body. (R4, OperationOutcome) */
  readonly location?: readonly [string]
}

export interface Outcome {
  readonly resourceType: 'OperationOutcome'
  readonly issue: ReadonlyArray<Issue>
}

interface Answer {
  readonly status: number
  readonly code: string
}

/** `placeOf`: the FHIRPath of an operation, where there are several. `whole`: of what has failed, where nothing more precise is known. */
export function outcomeOf(error: AnnalsError, placeOf?: (operation: number) => string, whole?: string): Outcome {
  if (error._tag === 'Conflict') {
    const issue = error.data.conflicts.map((conflict): Issue => {
      const { code } = answerToConflict(conflict)
      return issueOf(code, describeConflict(conflict), placeOf?.(conflict.operation))
    })
    return { resourceType: 'OperationOutcome', issue }
  }
  const { what, path } = error.data as { readonly what?: string; readonly path?: string }
  const place = expressionIn(path) ?? expressionIn(what)
  const { code } = answerTo(error)
  const isOfPart = code === 'invalid' && place !== undefined && !wholes.test(place)
  return {
    resourceType: 'OperationOutcome',
    issue: [issueOf(isOfPart ? 'value' : code, error.message, place ?? whole)],
  }
}

/** The FHIRPath with which a name in an error begins, such as `Bundle.entry[0].resource, parameter[1] (replace …)`. */
export function expressionIn(name = ''): string | undefined {
  const [, path, parameter] = /^(Bundle(?:\.\w+(?:\[\d+\])?)*)(?:, (parameter[\w.[\]]*))?/.exec(name) ?? []
  return parameter === undefined ? path : `${path}.${parameter}`
}

/** What is wrong with these has a reason that lies deeper, or in several places. */
const wholes = /^Bundle$|\.(?:entry\[\d+\]|entry|resource)$/

/** The status of the HTTP answer. Of several conflicts the first counts. */
export const statusOf = (error: AnnalsError): number => answerTo(error).status

const issueOf = (code: string, diagnostics: string, place: string | undefined): Issue => ({
  severity: code === 'exception' ? 'fatal' : 'error',
  code,
  diagnostics,
  ...(place === undefined ? undefined : { expression: [place] }),
})

function answerToConflict({ expected, actual, deleted, isUnselected, isDemanded }: VersionConflict): Answer {
  // In R5's words: no matches, an id provided, and it already exists. R4 is silent.
  if (expected === 'absent' && isUnselected === true) return { status: 409, code: 'conflict' }
  if (expected !== 'exists' || isDemanded === true)
    return { status: 412, code: expected === 'absent' ? 'duplicate' : 'conflict' }
  return actual > 0 && deleted ? { status: 410, code: 'deleted' } : { status: 404, code: 'not-found' }
}

function answerToLimit(unit: string): Answer {
  // Many resources are no long request: looking at all of them would cost too much.
  if (tooMuchToRead.has(unit)) return { status: 400, code: 'too-costly' }
  return tooMuchAtOnce.has(unit) ? { status: 422, code: 'too-costly' } : { status: 413, code: 'too-long' }
}

const tooMuchToRead: ReadonlySet<string> = new Set(['resources', 'bytes of resources', 'bytes to read'])
/** Of a request that is not too long by its bytes. */
const tooMuchAtOnce: ReadonlySet<string> = new Set(['entries', 'operations', 'events'])

function answerTo(error: AnnalsError): Answer {
  switch (error._tag) {
    case 'Conflict':
      return answerToConflict(error.data.conflicts[0] as VersionConflict)
    case 'InvalidInput':
      return { status: 400, code: error.data.isAbsent === true ? 'required' : 'invalid' }
    case 'InvalidBody':
      return { status: 400, code: 'structure' }
    case 'NotSupported':
      return { status: error.data.isUnknownType === true ? 404 : 400, code: 'not-supported' }
    case 'LimitExceeded':
      return answerToLimit(error.data.unit)
    case 'NoMatch':
    case 'TenantNotFound':
      return { status: 404, code: 'not-found' }
    case 'MultipleMatches':
      return { status: 412, code: 'multiple-matches' }
    case 'PatchFailed':
      return { status: 422, code: 'processing' }
    case 'Forbidden':
      return { status: 403, code: 'forbidden' }
    case 'RequestKeyReused':
      return { status: 409, code: 'conflict' }
    case 'Contended':
      return { status: 503, code: 'lock-error' }
    case 'Unavailable':
    case 'Unpublished':
    case 'OutcomeUnknown':
      return { status: 503, code: 'transient' }
    case 'StorageRefused':
      return { status: 503, code: 'no-store' }
    case 'Cancelled':
    case 'ProjectionParked':
    case 'NeedsRecovery':
      return { status: 503, code: 'incomplete' }
    case 'TenantMismatch':
    case 'NotAStore':
    case 'UnsupportedFormat':
    case 'LogMismatch':
    case 'Diverged':
    case 'Corrupt':
    case 'ClockSkew':
      return { status: 500, code: 'exception' }
    default:
      return absurd(error)
  }
}
