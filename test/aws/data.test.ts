/** Real data on S3 and DynamoDB. */
import { inject } from 'vitest'
import { describeRealData } from '../data/suite.js'
import { loseTable, makePlace } from './stores.js'

const { minio, dynamodb } = inject('endpoints')

// moto would keep the suite busy for many minutes, and says nothing here that the contracts do not say.
if (minio !== undefined && dynamodb !== undefined)
  describeRealData(
    'real data on MinIO and DynamoDB Local',
    async () => {
      const world = { name: 'MinIO and DynamoDB Local', s3: minio, dynamodb }
      const place = await makePlace(world)
      const losePointers = (): Promise<void> => loseTable(world, place)
      return { url: `${place.url}&stream=false`, losePointers, end: async () => undefined }
    },
    40,
  )
