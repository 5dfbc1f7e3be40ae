/** The contract of a pointer store, kept by tables of real servers. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { test } from 'vitest'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { tableInput } from '../../adapters/aws/dynamodb/table.js'
import { systemIds } from '../../adapters/system-ids.js'
import { pointerStoreContract } from '../../src/testing/index.js'
import { connectionTo, describeWorlds, noPromiseOf, uniqueName } from './worlds.js'

describeWorlds('pointers', (world) => {
  const { dynamodb } = world
  const client = new DynamoDBClient(connectionTo(dynamodb))
  for (const { promise, check } of pointerStoreContract)
    test.skipIf(promise in noPromiseOf(world))(promise, () =>
      check(async (clock) => {
        const table = uniqueName()
        await client.send(new CreateTableCommand(tableInput(table)))
        return dynamoPointerStore({ client, table, clock, ids: systemIds })
      }),
    )
})
