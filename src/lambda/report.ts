/** What a function says of failures unless it is told otherwise: one line each, without content. */
import { isAnnalsError } from '../index.js'

/** Where something failed. */
export interface FailurePlace {
  readonly tenant: string
  readonly projection: string
}

export function reportFailure(error: unknown, { tenant, projection }: FailurePlace): void {
  const line = `annals: projection '${projection}' of tenant ${JSON.stringify(tenant)}: ${wordsOf(error)}`
  console.error(line.replace(/\s+/g, ' '))
}

/** An `AnnalsError` never holds content; the message of any other may quote an event. */
function wordsOf(error: unknown): string {
  if (isAnnalsError(error)) return `${error.code}: ${error.message}`
  const name = error instanceof Error ? error.name.slice(0, 64) : `a thrown ${typeof error}`
  return `${name}; an onFailure of your own hears the rest`
}
