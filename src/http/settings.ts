import { defaultFhirVersion, type FhirVersion } from '../../domain/fhir/version.js'
import type { AccessSettings } from './access/settings.js'

/** What a FHIR server is told. */
export interface HttpSettings extends AccessSettings {
  /** The tenant of the server, which is created if there is none; `tenancy` says which others it serves. */
  readonly tenant: string
  /** Of the tenants that it serves: tenants of another one are not there. */
  readonly fhirVersion: FhirVersion
  /** How clients reach `/`, without a slash at its end (default: as they say in the Host header). */
  readonly baseUrl?: string
  /** Addresses and networks of proxies that are believed whom they speak for (`X-Forwarded-For`, `-Proto`, `-Host`). */
  readonly trustedProxies: ReadonlyArray<string>
  /** Origins whose pages may ask, such as `https://app.example.org`; `*`: any. */
  readonly corsOrigins: ReadonlyArray<string>
  /** Of one caller (default: any number). */
  readonly maxRequestsPerMinute?: number
  /** The largest body of a request, in bytes, and that of a Bundle at the base. */
  readonly maxBodyBytes: number
  readonly maxBundleBytes: number
  /** Entries of a Bundle at the base: others wait while some steps are made for all of them at once. */
  readonly maxBundleEntries: number
  /** Of the head of a request. */
  readonly maxHeaderBytes: number
  /** Bodies of requests in memory at a time, together; beyond them 503. */
  readonly maxBodyBytesInFlight: number
  /** Requests under way at a time; beyond them 503. */
  readonly maxRequestsInFlight: number
  /** Beyond them a connection is closed as it comes. */
  readonly maxConnections: number
  /** How late the event loop may be, twice in a row, before requests are answered with 503. */
  readonly maxEventLoopDelayMs: number
  /** How long a client may take to send the head of a request. */
  readonly headersTimeoutMs: number
  /** How long a client may take to send a body; longer where it brings so many bytes a second. */
  readonly requestTimeoutMs: number
  readonly minBodyBytesPerSecond: number
  /** How long a connection may be idle between two requests, and silent during one. */
  readonly keepAliveTimeoutMs: number
  readonly connectionTimeoutMs: number
  /** Whether `/metrics` is there, for programs of this machine. */
  readonly serveMetrics: boolean
  /** How many may read the log at a time; beyond them 503. Each has up to some 24 MiB in memory, or one larger commit. */
  readonly maxLogReaders: number
  /** How long a follower of the log hears nothing before it gets a sign of life; shorter than `connectionTimeoutMs`. */
  readonly heartbeatMs: number
  /**
   * Files of exports are fetched from the storage itself, where it has such URLs (S3), each good for so many milliseconds; whoever knows one
   * is not asked who they are (default: from the server).
   */
  readonly signedUrlMs?: number
  /** Jobs at a time, those with a result that is kept included; and how long it is, in milliseconds. */
  readonly maxJobs: number
  readonly jobRetentionMs: number
  /** How long the store may take to answer whether it is ready. */
  readonly readyTimeoutMs: number
  /** How long `close` goes on accepting, while `/health/ready` says that it closes; and how long it waits for what is under way. */
  readonly drainMs: number
  readonly closeTimeoutMs: number
}

const mebibyte = 1024 * 1024

export const defaultHttpSettings: HttpSettings = {
  tenant: 'default',
  fhirVersion: defaultFhirVersion,
  tenancy: { from: 'single' },
  trustedProxies: [],
  corsOrigins: [],
  maxBodyBytes: 64 * mebibyte,
  maxBundleBytes: 128 * mebibyte,
  maxBundleEntries: 10_000,
  maxHeaderBytes: 16 * 1024,
  maxBodyBytesInFlight: 512 * mebibyte,
  maxRequestsInFlight: 4_096,
  maxConnections: 8_192,
  maxEventLoopDelayMs: 2_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  minBodyBytesPerSecond: 32 * 1024,
  // Longer than the minute of common load balancers: who closes first decides whether a request is lost in between.
  keepAliveTimeoutMs: 75_000,
  connectionTimeoutMs: 120_000,
  serveMetrics: true,
  maxLogReaders: 16,
  heartbeatMs: 15_000,
  maxJobs: 16,
  jobRetentionMs: 3_600_000,
  readyTimeoutMs: 2_000,
  drainMs: 0,
  closeTimeoutMs: 10_000,
}
