/** Who asks, and what they may: asked for by every route before it does anything. */
import type { FastifyRequest } from 'fastify'
import { permissionNames } from '../../../domain/fhir/permission.js'
import type { BundleOptions, Permission } from '../../index.js'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'
import { challenge } from './challenge.js'

export interface Caller {
  /** Who writes, for the audit. */
  readonly actor?: string
  /** The tenant that a token is for. */
  readonly tenant?: string
  /** When the token expires, in milliseconds since 1970. */
  readonly expires?: number
  /** `type`: `*` for all types together. */
  may(permission: Permission, type: string): boolean
  /** Submits in bulk without a permission to write otherwise. */
  readonly maySubmit?: boolean
}

/** Where nobody is asked who they are. */
export const anybody: Caller = { may: () => true }
/** Who has not said who they are, where that is asked. */
export const nobody: Caller = { may: () => false }

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
}

export function checkAccess({ caller }: FastifyRequest, permission: Permission, type: string): void {
  if (caller.may(permission, type)) return
  throw forbidden(`no permission to ${permissionNames[permission]} ${type === '*' ? 'resources of all types' : type}`)
}

/** For Bundles and interactions, which need more than one permission. */
export const permitOf = ({ caller }: FastifyRequest): Pick<BundleOptions, 'permit'> =>
  caller === anybody ? {} : { permit: (permission, type) => caller.may(permission, type) }

/** The longest time of a timer. */
const maxTimerMs = 2 ** 31 - 1

/** For answers that go on: aborts with `signal`, and when nobody would let the caller in any more. */
export function whileLetIn({ caller: { expires } }: FastifyRequest, signal: AbortSignal): AbortSignal {
  if (expires === undefined) return signal
  const left = Math.min(maxTimerMs, Math.max(0, expires - Date.now()))
  return AbortSignal.any([signal, AbortSignal.timeout(left)])
}

export const forbidden = (problem: string): HttpProblem =>
  new HttpProblem(403, 'forbidden', problem, challenge('insufficient_scope'), inHeader('Authorization'))
