/** The contract of a pointer store, kept by tables of real servers. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { test } from 'vitest'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { tableInput } from '../../adapters/aws/dynamodb/table.js'
import { systemIds } from '../../adapters/system-ids.js'
import { pointerStoreContract } from '../../src/testing/index.js'
import { connectionTo, describeWorlds, uniqueName } from './worlds.js'

/** A transaction that moto cancels puts the whole table back to an older copy, and undoes what others wrote meanwhile. */
const noPromiseOnMoto = 'of transactions that share an item one is made, and no part of another'

describeWorlds('pointers', ({ name, dynamodb }) => {
  const client = new DynamoDBClient(connectionTo(dynamodb))
  for (const { promise, check } of pointerStoreContract)
    test.skipIf(name === 'moto' && promise === noPromiseOnMoto)(promise, () =>
      check(async (clock) => {
        const table = uniqueName()
        await client.send(new CreateTableCommand(tableInput(table)))
        return dynamoPointerStore({ client, table, clock, ids: systemIds })
      }),
    )
})
