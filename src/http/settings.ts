/** What a FHIR server is told. */
export interface HttpSettings {
  /** The tenant behind `/fhir`. */
  readonly tenant: string
  /** Other tenants behind `/tenants/{name}/fhir`, those that exist. */
  readonly manyTenants: boolean
  /** How clients reach `/`, without a slash at its end (default: as they say in the Host header). */
  readonly baseUrl?: string
  /** Of a request's body, in bytes. */
  readonly maxBodyBytes: number
  /** How long a client may take to send a request, in milliseconds. */
  readonly requestTimeoutMs: number
}

export const defaultHttpSettings: HttpSettings = {
  tenant: 'default',
  manyTenants: false,
  maxBodyBytes: 64 * 1024 * 1024,
  requestTimeoutMs: 60_000,
}
