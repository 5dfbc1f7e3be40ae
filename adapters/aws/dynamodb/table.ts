/** The shape of the table, and the key names that everything else relies on. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { expiryAttribute } from './item-codec.js'

export const tableInput = (table: string, tags: Readonly<Record<string, string>> = {}): CreateTableCommandInput => ({
  TableName: table,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
  ...(Object.keys(tags).length > 0 && { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
})

export const timeToLive = { AttributeName: expiryAttribute, Enabled: true }
