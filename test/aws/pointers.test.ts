/** The contract of a pointer store, kept by tables of real servers. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { test } from 'vitest'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { systemIds } from '../../adapters/system-ids.js'
import { pointerStoreContract } from '../../src/testing/index.js'
import { connectionTo, describeWorlds, makeTable } from './worlds.js'

describeWorlds('pointers', ({ dynamodb }) => {
  const client = new DynamoDBClient(connectionTo(dynamodb))
  for (const { promise, check } of pointerStoreContract)
    test(promise, () =>
      check(async (clock) => {
        return dynamoPointerStore({ client, table: await makeTable(dynamodb), clock, ids: systemIds })
      }),
    )
})
