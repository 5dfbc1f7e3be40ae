/** Who asks, and what they may: asked for by every route before it does anything. */
import type { FastifyRequest } from 'fastify'
import { HttpProblem } from '../failures.js'

/**
 * As SMART names them: `c`reate, `r`ead (with vread and the history of a resource), `u`pdate (with patch), `d`elete, `s`earch (with
 * the histories of a type and of the system, and conditions).
 */
export type Permission = 'c' | 'r' | 'u' | 'd' | 's'

export interface Caller {
  /** Who writes, for the audit. */
  readonly actor?: string
  /** The tenant that a token is for. */
  readonly tenant?: string
  /** `type`: `*` for all types together. */
  may(permission: Permission, type: string): boolean
}

/** Where nobody is asked who they are. */
export const anybody: Caller = { may: () => true }

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
}

export function checkAccess({ caller }: FastifyRequest, permission: Permission, type: string): void {
  if (!caller.may(permission, type)) throw new HttpProblem(403, 'forbidden', 'the token does not allow this')
}
