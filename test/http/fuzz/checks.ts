/** What every answer has to be, whatever was asked. */
import type { WireAnswer } from '../wire.js'

/** Of FHIR 4.0.1, http://hl7.org/fhir/issue-type. */
const issueTypes = new Set(
  [
    'invalid structure required value invariant security login unknown expired forbidden suppressed processing',
    'not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule',
    'conflict transient lock-error no-store exception timeout incomplete throttled informational',
  ]
    .join(' ')
    .split(' '),
)

/** What would tell of the server's insides. */
const insides = /\bat (\w+ )?\(?(file:|node:|\/)|node_modules|\.[tj]s:\d/

/** What is wrong with an answer, if anything is. `foreign`: what only other tenants hold. */
export function problemOf(answer: WireAnswer, isHead: boolean, foreign: ReadonlyArray<string>): string | undefined {
  const { status, headers, body } = answer
  const all = `${JSON.stringify(headers)}${body}`
  const leaked = foreign.find((mark) => all.includes(mark))
  if (leaked !== undefined) return `it holds what is of another tenant: ${leaked}`
  if (insides.test(all)) return `it tells of the insides of the server: ${insides.exec(all)?.[0]}`
  if (status === 503 && headers['retry-after'] === undefined) return 'a 503 without Retry-After'
  if (!(status >= 200 && status < 500) && status !== 503) return `the status ${status}`
  if (status >= 400) return isHead ? undefined : outcomeProblem(answer)
  return status === 200 && /ndjson/.test(headers['content-type'] ?? '') ? linesProblem(body) : undefined
}

/** Of a file, or of the log. */
function linesProblem(body: string): string | undefined {
  for (const line of body.split('\n').slice(0, -1)) {
    const read = parsed(line)
    if (read === undefined) return `a line that is no JSON: ${line.slice(0, 200)}`
    const isGood = read.resourceType !== 'OperationOutcome' || read.issue?.every(({ code }) => issueTypes.has(code))
    if (isGood !== true) return `a line with an issue that says too little: ${line.slice(0, 200)}`
  }
  return body === '' || body.endsWith('\n') ? undefined : 'a line that does not end'
}

function outcomeProblem({ status, headers, body }: WireAnswer): string | undefined {
  if (headers['content-type']?.startsWith('application/fhir+json') !== true)
    return `a ${status} of the type ${headers['content-type']}`
  const outcome = parsed(body)
  if (outcome?.resourceType !== 'OperationOutcome') return `a ${status} without an outcome`
  const { issue = [] } = outcome
  if (issue.length === 0) return `a ${status} without an issue`
  const isGood = (each: Issue): boolean =>
    issueTypes.has(each.code) && each.diagnostics !== '' && (status === 503 || isPlaced(each))
  return issue.every(isGood) ? undefined : `a ${status} with an issue that says too little`
}

interface Issue {
  readonly code: string
  readonly diagnostics?: string
  readonly expression?: ReadonlyArray<string>
  readonly location?: ReadonlyArray<string>
}

const isPlaced = ({ expression, location }: Issue): boolean => (expression ?? location)?.length === 1

function parsed(text: string): { resourceType?: string; issue?: Issue[] } | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
