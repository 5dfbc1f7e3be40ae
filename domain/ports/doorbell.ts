import type { Observable } from 'rxjs'

/**
 * Says "look again", and nothing more: a ring may be lost, repeated or out of order, because order and completeness
 * come from the log. Listeners combine it with a slow poll.
 */
export interface Doorbell {
  ring(log: string, seq: number): void
  listen(): Observable<Ring>
}

export interface Ring {
  /** `{tenant}/{partition}`, or `*` when the bell does not know which log it was. */
  readonly log: string
  readonly seq: number
}
