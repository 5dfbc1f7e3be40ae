/** A doorbell on the streams of real tables: what one process publishes, another hears. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { filter, firstValueFrom, timeout } from 'rxjs'
import { expect, test } from 'vitest'
import { bootstrapTable } from '../../adapters/aws/dynamodb/bootstrap.js'
import { dynamoPointerStore } from '../../adapters/aws/dynamodb/pointer-store.js'
import { tableInput } from '../../adapters/aws/dynamodb/table.js'
import { streamApi } from '../../adapters/aws/streams/api.js'
import { type StreamDoorbell, streamDoorbell } from '../../adapters/aws/streams/doorbell.js'
import { makeStreamReader } from '../../adapters/aws/streams/reader.js'
import { systemClock } from '../../adapters/system-clock.js'
import { systemIds } from '../../adapters/system-ids.js'
import { headPk } from '../../domain/keys.js'
import { run } from '../../domain/task.js'
import { doorbellContract } from '../../src/testing/index.js'
import { connectionTo, describeWorlds, uniqueName } from './worlds.js'

const patienceMs = 20_000

describeWorlds('a doorbell', ({ dynamodb }) => {
  const client = new DynamoDBClient(connectionTo(dynamodb))
  const streams = new DynamoDBStreamsClient(connectionTo(dynamodb))

  async function makeTable() {
    const table = uniqueName()
    await run(bootstrapTable({ client, table, clock: systemClock }))
    const pointers = dynamoPointerStore({ client, table, clock: systemClock, ids: systemIds })
    const head = (seq: number, tenant = 't') => ({ pk: headPk(tenant, 0), sk: 'head', attributes: { seq } })
    return { table, pointers, head, api: streamApi(table, client, streams) }
  }

  test('hears every head that another process advances', async () => {
    const { pointers, head, api } = await makeTable()
    const bell = streamDoorbell({ apis: [api], clock: systemClock, times: { lookMs: 50 } })
    const rung = (log: string, seq: number) =>
      firstValueFrom(
        bell.listen().pipe(
          filter((ring) => ring.log === log && ring.seq >= seq),
          timeout(patienceMs),
        ),
      )
    const [listening, first] = [rung('*', 0), rung('t/0', 1)]
    await listening
    await run(pointers.compareAndSet(head(1), 0))
    await first
    const [second, other] = [rung('t/0', 3), rung('u v/0', 1)]
    await run(pointers.advance(head(2)))
    await run(pointers.advance(head(3)))
    await run(pointers.compareAndSet(head(1, 'u v'), 0))
    expect(await second).toEqual({ log: 't/0', seq: 3 })
    await other
    bell.close()
  })

  /** Rings by moving a head in the table, as a process does that publishes: the stream alone carries it. */
  for (const { promise, check } of doorbellContract)
    test(promise, async () => {
      const { pointers, head, api } = await makeTable()
      await run(pointers.putAll([head(0)]))
      const times = { lookMs: 50 }
      const bells = [0, 1].map(() => streamDoorbell({ apis: [api], clock: systemClock, times }))
      const listen = (bell = 0) => (bells[bell] as StreamDoorbell).listen().pipe(filter(({ log }) => log !== '*'))
      let moving: Promise<unknown> | undefined
      const ring = (_: string, seq: number): void => {
        moving ??= run(pointers.advance(head(seq))).finally(() => {
          moving = undefined
        })
      }
      await check(async () => ({ here: { ring, listen: () => listen(0) }, there: { ring, listen: () => listen(1) } }))
      await moving
      for (const bell of bells) bell.close()
    })

  test('reads what was written before it came, page by page, from the oldest record', async () => {
    const { pointers, head, api } = await makeTable()
    await run(pointers.compareAndSet(head(1), 0))
    for (let seq = 2; seq <= 20; seq++) await run(pointers.advance(head(seq)))
    const stream = (await api.findStream()) as string
    const seqs: number[] = []
    for (const { id } of await api.shards(stream)) {
      let iterator: string | undefined = await api.iterator(stream, id, 'oldest')
      for (let pages = 0; iterator !== undefined && pages < 20; pages++) {
        const page = await api.records(iterator)
        seqs.push(...page.records.map(({ seq }) => seq))
        iterator = page.next
      }
    }
    expect(seqs).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })

  test('finds no stream where there is none', async () => {
    const table = uniqueName()
    await client.send(new CreateTableCommand({ ...tableInput(table), StreamSpecification: { StreamEnabled: false } }))
    expect(await makeStreamReader(streamApi(table, client, streams)).look()).toMatchObject({ state: 'none' })
  })
})
