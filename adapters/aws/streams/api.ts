/** The little that a doorbell asks of a table's stream. */
import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'

export interface StreamApi {
  /** Names the stream that the table has now; `undefined` when it has none. */
  findStream(): Promise<string | undefined>
  /** Every shard that the stream still remembers. */
  shards(stream: string): Promise<ReadonlyArray<ShardInfo>>
  iterator(stream: string, shard: string, start: Start): Promise<string>
  records(iterator: string): Promise<RecordPage>
}

export interface ShardInfo {
  readonly id: string
  readonly parent?: string
  /** It gets no more records. */
  readonly closed: boolean
}

/** Where reading a shard begins: at its oldest record, behind its newest, or behind a record. */
export type Start = 'oldest' | 'newest' | { readonly after: string }

export interface RecordPage {
  readonly records: ReadonlyArray<StreamRecord>
  /** For the next page; absent when a closed shard has been read to its end. */
  readonly next?: string
}

export interface StreamRecord {
  readonly sequence: string
  /** Of the item that was written. */
  readonly pk: string
  readonly seq: number
}

export function streamApi(table: string, tables: DynamoDBClient, streams: DynamoDBStreamsClient): StreamApi {
  return {
    async findStream() {
      const { Table } = await tables.send(new DescribeTableCommand({ TableName: table }))
      return Table?.StreamSpecification?.StreamEnabled === true ? Table.LatestStreamArn : undefined
    },

    async shards(stream) {
      const found: ShardInfo[] = []
      let ExclusiveStartShardId: string | undefined
      do {
        const { StreamDescription = {} } = await streams.send(
          new DescribeStreamCommand({ StreamArn: stream, ExclusiveStartShardId }),
        )
        for (const { ShardId = '', ParentShardId, SequenceNumberRange } of StreamDescription.Shards ?? [])
          found.push({
            id: ShardId,
            parent: ParentShardId,
            closed: SequenceNumberRange?.EndingSequenceNumber !== undefined,
          })
        ExclusiveStartShardId = StreamDescription.LastEvaluatedShardId
      } while (ExclusiveStartShardId !== undefined)
      return found
    },

    async iterator(StreamArn, ShardId, start) {
      const place =
        typeof start === 'object'
          ? ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: start.after } as const)
          : ({ ShardIteratorType: start === 'oldest' ? 'TRIM_HORIZON' : 'LATEST' } as const)
      const answer = await streams.send(new GetShardIteratorCommand({ StreamArn, ShardId, ...place }))
      return answer.ShardIterator ?? ''
    },

    async records(ShardIterator) {
      const { Records = [], NextShardIterator } = await streams.send(new GetRecordsCommand({ ShardIterator }))
      const records = Records.map(({ dynamodb = {} }) => ({
        sequence: dynamodb.SequenceNumber ?? '',
        pk: dynamodb.Keys?.pk?.S ?? '',
        seq: Number(dynamodb.NewImage?.seq?.N ?? 0),
      }))
      return NextShardIterator === undefined ? { records } : { records, next: NextShardIterator }
    },
  }
}
