/** Names of objects and items: the only place that knows how they are spelled. */

const unreserved = /^[A-Za-z0-9\-_~][A-Za-z0-9\-._~]*$/

/** Percent-encodes one segment of a key, so that no name can leave its place: not `a/b`, not `..`, not the empty one. */
export function encodeSegment(text: string): string {
  if (unreserved.test(text)) return text
  if (text === '') return '%'
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return encoded.startsWith('.') ? `%2E${encoded.slice(1)}` : encoded
}

let lastType = ''
let lastEncodedType = '%'

/** The same for types, of which the same one comes again and again. */
export function encodeType(type: string): string {
  if (type !== lastType) {
    lastEncodedType = encodeSegment(type)
    lastType = type
  }
  return lastEncodedType
}

export const decodeSegment = (segment: string): string => (segment === '%' ? '' : decodeURIComponent(segment))

export const storeManifestKey = 'annals.json'

export const tenantKey = (tenant: string): string => `${encodeSegment(tenant)}/tenant.json`

export const logPrefix = (tenant: string, partition: number): string => `${encodeSegment(tenant)}/log/${partition}/`

export const logKey = (tenant: string, partition: number, seq: number): string =>
  `${logPrefix(tenant, partition)}${String(seq).padStart(20, '0')}.ndjson`

export const blobKey = (tenant: string, sha256: string): string => `${encodeSegment(tenant)}/blobs/${sha256}`

/** The journals of sagas, beside the tenants: `%` and a small letter never begin an encoded name. */
export const sagasPrefix = '%sagas/'
export const sagaPlanKey = (id: string): string => `${sagasPrefix}${encodeSegment(id)}/plan.ndjson`
export const sagaStateKey = (id: string): string => `${sagasPrefix}${encodeSegment(id)}/state.json`

/** What bulk exports leave in the keyspace of a tenant. */
export const exportsPrefix = (tenant: string): string => `${encodeSegment(tenant)}/bulk/export/jobs/`
export const exportPrefix = (tenant: string, job: string): string => `${exportsPrefix(tenant)}${encodeSegment(job)}/`
export const exportStateKey = (tenant: string, job: string): string => `${exportPrefix(tenant, job)}state.json`
/** What bulk submissions keep beside the log. */
export const submissionsPrefix = (tenant: string): string => `${encodeSegment(tenant)}/bulk/submit/`
export const submissionPrefix = (tenant: string, submitter: string, submission: string): string =>
  `${submissionsPrefix(tenant)}${encodeSegment(submitter)}/${encodeSegment(submission)}/`
/** Submissions that somebody has to work on. */
export const submissionsPk = 'L#%submissions'
export const submissionSk = (tenant: string, submitter: string, submission: string): string =>
  submissionsSkPrefix(tenant) + [submitter, submission].map(encodeSegment).join('#')
export const submissionsSkPrefix = (tenant: string): string => `${encodeSegment(tenant)}#`
/** Who processes which part of a submission. */
export const bulkPk = (tenant: string): string => `L#${encodeSegment(tenant)}#%bulk`

/** A segment that is empty, `.` or `..`: no object of a store is named so, though a listing may show what others put there. */
export const hiddenSegment = /(^|\/)\.{0,2}(\/|$)/

/** Whether an object is of the object model, which the log can rebuild. */
export function isProjected(key: string): boolean {
  const slash = key.indexOf('/')
  return slash > 0 && (key.startsWith('resources/', slash + 1) || key.startsWith('history/', slash + 1))
}

/** Whether an object may never change once it exists: commits and large bodies. */
export function isWriteOnce(key: string): boolean {
  const slash = key.indexOf('/')
  return slash > 0 && (key.startsWith('log/', slash + 1) || key.startsWith('blobs/', slash + 1))
}

/** One of the logs of a tenant. */
export interface LogId {
  readonly tenant: string
  readonly partition: number
}

/**
 * What the names of a log's items begin with, behind their kind: the first log of a tenant has the tenant's own name, the others
 * their number behind it. `%p` is never in an encoded name, so no tenant has the items of another's log.
 */
const spaceOf = ({ tenant, partition }: LogId): string =>
  partition === 0 ? encodeSegment(tenant) : `${encodeSegment(tenant)}%p${partition}`

/** The name of a log in headers, doorbells and messages. */
export const logName = (tenant: string, partition: number): string => `${tenant}/${partition}`

export const versionsPk = (log: LogId, type: string, id: string): string =>
  `V#${spaceOf(log)}#${encodeType(type)}/${encodeSegment(id)}`

export const versionSk = (version: number): string => String(version).padStart(10, '0')

export const headPk = (tenant: string, partition: number): string => `${headsPrefix({ tenant, partition })}${partition}`
export const headSk = 'head'
export const headsPrefix = (log: LogId): string => `H#${spaceOf(log)}#`

/** The name of the log whose head has this key; `undefined` for the key of anything else. */
export function logOfHead(pk: string): string | undefined {
  const [, tenant, partition] = /^H#([^#]+?)(?:%p\d+)?#(\d+)$/.exec(pk) ?? []
  return tenant === undefined ? undefined : logName(decodeSegment(tenant), Number(partition))
}

export const requestPk = (log: LogId, keyHash: string): string => `Q#${spaceOf(log)}#${keyHash}`
export const requestSk = 'request'

/** What the names of a log's items are made of, whatever the items are about. */
export interface Keyspace extends LogId {
  /** How many shards the indexes by type have. */
  readonly shards: number
}

/** The events of a type in log order. */
export const typeIndexPk = (log: LogId, type: string, shard: number): string =>
  `T#${spaceOf(log)}#${encodeType(type)}#${shard}`

export const typeIndexSk = (seq: number, index: number): string =>
  `${String(seq).padStart(20, '0')}${String(index).padStart(8, '0')}`

/** Where the resources of a type stand now, by id. */
export const currentIndexPk = (log: LogId, type: string, shard: number): string =>
  `K#${spaceOf(log)}#${encodeType(type)}#${shard}`
export const currentIndexPrefix = (log: LogId): string => `K#${spaceOf(log)}#`

/** Where resources of a type were stated under a key that they can be found by. */
export const keyPk = (log: LogId, type: string, key: string): string => `I#${spaceOf(log)}#${encodeType(type)}#${key}`
export const keySk = (id: string, version: number): string => `${encodeSegment(id)}#${versionSk(version)}`

export const batonPk = (tenant: string, partition: number): string => `L#${encodeSegment(tenant)}#${partition}`
export const batonSk = 'baton'
export const recoverySk = 'recovery'

export const checkpointPk = (tenant: string, name: string): string =>
  `C#${encodeSegment(tenant)}#${encodeSegment(name)}`
export const checkpointSk = 'checkpoint'

/** All projections of a log, under one partition key: `%` never begins an encoded name here. */
export const projectionsPk = (tenant: string, partition: number): string =>
  `C#${encodeSegment(tenant)}#%projections#${partition}`
/** Names hold neither `@` nor anything that would have to be encoded. */
export const projectionSk = (name: string, version: number): string => `${name}@${version}`
export const servingSk = (name: string): string => name

/** The leases of all workers of a store, and the workers themselves. */
export const leasesPk = 'L#%projections'
export const leaseSk = (tenant: string, partition: number, projection: string): string =>
  `${encodeSegment(tenant)}#${partition}#${projection}`
/** Who drives which saga. */
export const sagasPk = 'L#%sagas'
/** Who is at work on which export of which tenant. */
export const exportsPk = 'L#%exports'
export const exportSk = (tenant: string, job: string): string => `${encodeSegment(tenant)}#${encodeSegment(job)}`
export const workersPk = 'L#%workers'

/** The prefixes of everything that a log can rebuild, its head aside. */
export const indexPrefixes = (log: LogId): ReadonlyArray<string> => prefixesOf(['V', 'T', 'I'], log)
export const pointerPrefixes = (log: LogId): ReadonlyArray<string> => prefixesOf(['V', 'T', 'I', 'Q'], log)

const prefixesOf = (kinds: ReadonlyArray<string>, log: LogId): ReadonlyArray<string> =>
  kinds.map((kind) => `${kind}#${spaceOf(log)}#`)
