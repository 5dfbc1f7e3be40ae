/** The settings of `annals serve`: one table, from which come the flags, the variables and the members of a file. */
import { isIP } from 'node:net'
import { fhirVersions } from '../../../domain/fhir/version.js'
import { maxSignedUrlMs } from '../../../domain/ports/index.js'
import { signatureAlgorithms } from '../../http/access/settings.js'
import { defaultHttpSettings as http } from '../../http/settings.js'
import { usage } from '../failure.js'
import { defaultStore, defaultTenant } from '../settings.js'
import { type Kind, listOf, network, oneOf, origin, text, wholeNumber, yesOrNo } from './kinds.js'

export interface Setting<A, Fallback = A | undefined> {
  readonly kind: Kind<A>
  /** How the help calls its value; empty for what is switched on. */
  readonly value: string
  /** `undefined`: there is none unless it is given. */
  readonly fallback: Fallback
  readonly summary: string
}

const setting = <A, Fallback extends A | undefined>(
  kind: Kind<A>,
  value: string,
  fallback: Fallback,
  summary: string,
): Setting<A, A | Fallback> => ({ kind, value, fallback, summary })

const anything = text('a text', /./)
const url = text('a URL without a query or credentials, such as https://fhir.example.org', /^https?:\/\/[^\s?#@]+$/)
const milliseconds = wholeNumber(1, 2 ** 31 - 1)
const bytes = wholeNumber(1)
const some = wholeNumber(1)

/** What every command has: flags and variables of their own. */
const common = {
  store: setting(anything, 'url', defaultStore, 'the store'),
  tenant: setting(anything, 'name', defaultTenant, 'the tenant'),
}

const listening = {
  port: setting(wholeNumber(0, 65_535), 'n', 8_080, 'the port (0: any that is free)'),
  host: setting(anything, 'address', '127.0.0.1', 'the address to listen at'),
  insecure: setting(yesOrNo, '', false, 'listen for other machines, though nobody is asked who they are'),
  baseUrl: setting(url, 'url', undefined, 'how clients reach it (default: as they say themselves)'),
  trustedProxies: setting(
    listOf(network),
    'list',
    undefined,
    'proxies that are believed for whom they speak, with commas: addresses, networks, loopback',
  ),
}

const access = {
  fhirVersion: setting(
    oneOf(...fhirVersions),
    'version',
    undefined,
    'the FHIR version (default: that of the tenant; of a new one 4.0)',
  ),
  manyTenants: setting(yesOrNo, '', false, 'serve every tenant that exists, at /tenants/{name}/fhir'),
  tenantHeader: setting(anything, 'name', undefined, 'serve the tenant that this header of a request names'),
  tenantClaim: setting(
    anything,
    'name',
    undefined,
    'serve to a token the tenant that this claim of it names, and no other',
  ),
  issuer: setting(anything, 'url', undefined, 'who makes the tokens (their iss); takes --audience and --jwks'),
  audience: setting(anything, 'name', undefined, 'whom the tokens are for (their aud)'),
  jwks: setting(anything, 'source', undefined, "the issuer's keys: a URL, or a file"),
  algorithms: setting(
    listOf(oneOf(...signatureAlgorithms)),
    'list',
    undefined,
    'by which tokens may be signed, with commas (default: any that takes a public key)',
  ),
  corsOrigins: setting(
    listOf(origin),
    'list',
    undefined,
    'whose pages may ask, with commas: https://app.example.org, or * for any',
  ),
  smartConfiguration: setting(anything, 'file', undefined, 'what the issuer tells SMART clients, served as it is'),
}

const bounds = {
  maxRequestsPerMinute: setting(some, 'n', undefined, 'of one caller; beyond them 429 (default: any number)'),
  maxBodyBytes: setting(bytes, 'n', http.maxBodyBytes, 'the largest body of a request'),
  maxBundleBytes: setting(bytes, 'n', http.maxBundleBytes, 'the largest Bundle at the base'),
  maxBundleEntries: setting(some, 'n', http.maxBundleEntries, 'entries of a Bundle at the base; more are a 422'),
  maxHeaderBytes: setting(bytes, 'n', http.maxHeaderBytes, 'the largest head of a request'),
  maxBodyBytesInFlight: setting(bytes, 'n', http.maxBodyBytesInFlight, 'bodies in memory at a time; beyond them 503'),
  maxRequestsInFlight: setting(some, 'n', http.maxRequestsInFlight, 'requests under way at a time; beyond them 503'),
  maxConnections: setting(some, 'n', http.maxConnections, 'connections; beyond them none is accepted'),
  maxJobs: setting(some, 'n', http.maxJobs, 'jobs at a time, such as of $verify; beyond them 429'),
  maxLogReaders: setting(some, 'n', http.maxLogReaders, 'readers of the log at a time; beyond them 503'),
  maxEventLoopDelayMs: setting(
    milliseconds,
    'n',
    http.maxEventLoopDelayMs,
    'how late the event loop may be, again and again, before 503',
  ),
}

const bulk = {
  allowPrivateSources: setting(
    yesOrNo,
    '',
    false,
    'fetch what is submitted from addresses of this machine and of private networks, too',
  ),
  signedUrlMs: setting(
    wholeNumber(1_000, maxSignedUrlMs),
    'n',
    undefined,
    'let clients fetch files of exports from S3 itself, by URLs good for so many milliseconds (default: from here)',
  ),
}

const times = {
  headersTimeoutMs: setting(milliseconds, 'n', http.headersTimeoutMs, 'for the head of a request to come'),
  requestTimeoutMs: setting(milliseconds, 'n', http.requestTimeoutMs, 'for a body to come'),
  minBodyBytesPerSecond: setting(bytes, 'n', http.minBodyBytesPerSecond, 'a body that comes as fast may take longer'),
  keepAliveTimeoutMs: setting(milliseconds, 'n', http.keepAliveTimeoutMs, 'between two requests of a connection'),
  connectionTimeoutMs: setting(milliseconds, 'n', http.connectionTimeoutMs, 'for a connection to be silent'),
  jobRetentionMs: setting(milliseconds, 'n', http.jobRetentionMs, 'for the result of a job to be there'),
  heartbeatMs: setting(milliseconds, 'n', http.heartbeatMs, 'between signs of life to followers of the log'),
  readyTimeoutMs: setting(milliseconds, 'n', http.readyTimeoutMs, 'for the store to say that it is ready'),
  drainMs: setting(wholeNumber(0, 2 ** 31 - 1), 'n', http.drainMs, 'to go on when it is told to stop, not ready'),
  closeTimeoutMs: setting(milliseconds, 'n', http.closeTimeoutMs, 'for what is under way to be finished then'),
}

const operation = {
  logLevel: setting(
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'level',
    'info',
    'what goes to the log, on stderr: info has a line for each request',
  ),
  metricsPort: setting(
    wholeNumber(0, 65_535),
    'n',
    undefined,
    'serve /metrics at this port (default: at --port, to programs of this machine)',
  ),
  metricsHost: setting(anything, 'address', '127.0.0.1', 'the address of that port'),
}

/** As the help shows them. */
export const settingGroups = {
  'Listening:': listening,
  'Tenants and access:': access,
  'Bounds:': bounds,
  'Times, in milliseconds:': times,
  'Bulk data:': bulk,
  'Operation:': operation,
}

export const settings = { ...common, ...listening, ...access, ...bounds, ...bulk, ...times, ...operation } as const

export type SettingName = keyof typeof settings

export type ServeSettings = {
  readonly [K in SettingName]: (typeof settings)[K]['fallback']
}

export const settingNames = Object.keys(settings) as ReadonlyArray<SettingName>

/** `maxBodyBytes` is `--max-body-bytes`. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

export const variablePrefix = 'ANNALS_SERVE_'

/** `maxBodyBytes` is `ANNALS_SERVE_MAX_BODY_BYTES`, and `store`, which every command has, `ANNALS_STORE`. */
export const variableOf = (name: string): string => {
  const words = flagOf(name).slice(2).replaceAll('-', '_').toUpperCase()
  return `${name in common ? 'ANNALS_' : variablePrefix}${words}`
}

/** What several settings have to be together. */
export function checkTogether(settings: ServeSettings): void {
  const { host, insecure, issuer, manyTenants, tenantHeader } = settings
  const isAsked = issuer !== undefined
  for (const name of ['audience', 'jwks'] as const)
    if (isAsked && settings[name] === undefined) throw usage(`--issuer takes ${flagOf(name)}, too`)
  for (const name of ['audience', 'jwks', 'algorithms', 'smartConfiguration', 'tenantClaim'] as const)
    if (!isAsked && settings[name] !== undefined) throw usage(`${flagOf(name)} is about tokens: it takes --issuer`)
  if (manyTenants && tenantHeader !== undefined) throw usage('--many-tenants and --tenant-header exclude each other')
  if (isAsked && insecure) throw usage('--insecure is for a server that asks nobody who they are; leave it out')
  const isLocal = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (!isLocal && !insecure && !isAsked)
    throw usage(
      `'${host.slice(0, 64)}' is for other machines, too, and nobody is asked who they are: give an --issuer of tokens, or say --insecure if that is meant`,
    )
}
