/** The contract of a blob store, kept on buckets of real servers. */
import { beforeAll, test } from 'vitest'
import { s3BlobStore } from '../../adapters/aws/s3/blob-store.js'
import { systemClock } from '../../adapters/system-clock.js'
import { blobStoreContract } from '../../src/testing/index.js'
import { describeWorlds, makeBucket, s3ClientFor, uniqueName } from './worlds.js'

describeWorlds('blobs', ({ s3 }) => {
  let bucket: string
  const client = s3ClientFor(s3)
  beforeAll(async () => {
    bucket = await makeBucket(s3)
  })
  for (const { promise, check } of blobStoreContract)
    test(promise, () =>
      check(async () => s3BlobStore({ client, bucket, prefix: `${uniqueName()}/`, clock: systemClock })),
    )
})
