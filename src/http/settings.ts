import type { AccessSettings } from './access/settings.js'

/** What a FHIR server is told. */
export interface HttpSettings extends AccessSettings {
  /** The tenant of the server, which is created if there is none; `tenancy` says which others it serves. */
  readonly tenant: string
  /** How clients reach `/`, without a slash at its end (default: as they say in the Host header). */
  readonly baseUrl?: string
  /** Of a request's body, in bytes. */
  readonly maxBodyBytes: number
  /** How long a client may take to send a request, in milliseconds. */
  readonly requestTimeoutMs: number
}

export const defaultHttpSettings: HttpSettings = {
  tenant: 'default',
  tenancy: { from: 'single' },
  maxBodyBytes: 64 * 1024 * 1024,
  requestTimeoutMs: 60_000,
}
