/** What only AWS can be asked: the buckets, the table's settings, and how far this machine's clock is from theirs. */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import { inspectTable } from './dynamodb/shape.js'
import { type Finding, failedFinding, finding } from './finding.js'
import type { S3BlobStore } from './s3/blob-store.js'
import { ownedBy } from './s3/options.js'

export interface InspectDeps {
  readonly s3: S3Client
  readonly dynamodb: DynamoDBClient
  readonly table: string
  readonly buckets: ReadonlyMap<string, Pick<S3BlobStore, 'checkBucket'>>
  readonly bucketOwner?: string
  readonly clock: Clock
  /** The server's clock at its last answer, and ours then: milliseconds since 1970. */
  readonly serverTime: () => { readonly server: number; readonly here: number } | undefined
}

/** S3 refuses requests that are a quarter of an hour off; instants of commits should be much closer. */
const allowedSkewMs = 5_000

export async function inspectAws(deps: InspectDeps): Promise<ReadonlyArray<Finding>> {
  const findings: Finding[] = []
  for (const [bucket, blobs] of deps.buckets) {
    findings.push(await bucketFinding(bucket, blobs))
    findings.push(await versioningFinding(deps, bucket))
  }
  findings.push(clockFinding(deps))
  try {
    findings.push(...(await inspectTable(deps.dynamodb, deps.table)))
  } catch (error) {
    findings.push(failedFinding('table shape', error, deps.table))
  }
  return findings
}

async function bucketFinding(bucket: string, blobs: Pick<S3BlobStore, 'checkBucket'>): Promise<Finding> {
  try {
    await run(blobs.checkBucket())
    return finding('bucket', true, `${bucket} is there and may be used`, '')
  } catch (error) {
    return failedFinding('bucket', error, bucket)
  }
}

async function versioningFinding({ s3, bucketOwner }: InspectDeps, bucket: string): Promise<Finding> {
  try {
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket, ...ownedBy(bucketOwner) }))
    return finding(
      'bucket versioning',
      Status === 'Enabled',
      Status === 'Enabled' ? `enabled on ${bucket}` : `off on ${bucket}: what a mistake deletes is gone`,
      'enable versioning of the bucket',
    )
  } catch (error) {
    return failedFinding('bucket versioning', error, bucket)
  }
}

function clockFinding({ serverTime }: InspectDeps): Finding {
  const times = serverTime()
  if (times === undefined) return finding('clock', true, 'the servers do not tell their time', '')
  const skew = Math.abs(times.here - times.server)
  const detail = `this machine's clock and the server's are ${(skew / 1000).toFixed(1)} s apart, to the second`
  return finding('clock', skew <= allowedSkewMs, detail, 'set the clock of this machine right')
}
