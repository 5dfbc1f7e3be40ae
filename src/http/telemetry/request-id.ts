/** What a request is called in the log, in its answer and in the audit: as the client calls it, or by an id of its own. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Ids of clients that can stand in a log and a header. */
const acceptable = /^[\w.:/+=@-]{1,200}$/

export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && acceptable.test(given) ? given : randomUUID()
}
