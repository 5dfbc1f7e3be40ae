/** Events as Lambda hands them over from a table's stream: the shape of AWS's published sample, with items of a store. */
import { headPk } from '../../domain/keys.js'

const arn = 'arn:aws:dynamodb:eu-central-1:123456789012:table/annals/stream/2026-11-22T10:15:30.123'

export interface RecordOptions {
  readonly eventName?: 'INSERT' | 'MODIFY' | 'REMOVE'
  readonly sequence: string
  readonly pk: string
  readonly sk: string
  /** Attributes of the item beside its keys. */
  readonly image?: Readonly<Record<string, unknown>>
}

export function streamRecord({ eventName = 'MODIFY', sequence, pk, sk, image = {} }: RecordOptions) {
  const Keys = { sk: { S: sk }, pk: { S: pk } }
  return {
    eventID: sequence.padStart(32, 'c'),
    eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'eu-central-1',
    dynamodb: {
      ApproximateCreationDateTime: 1795342530,
      Keys,
      ...(eventName === 'REMOVE' ? undefined : { NewImage: { ...Keys, ...image } }),
      SequenceNumber: sequence,
      SizeBytes: 212,
      StreamViewType: 'NEW_IMAGE',
    },
    // What the time to live has removed says so.
    ...(eventName === 'REMOVE' ? { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } } : {}),
    eventSourceARN: arn,
  }
}

export type StreamRecord = ReturnType<typeof streamRecord>

/** Sequence numbers of one shard have as many digits as this, or some more or less. */
export const sequence = (n: number | bigint): string => String(4421584500000000017450439000n + BigInt(n))

/** A head that has come to commit `seq`. */
export const headRecord = (tenant: string, seq: number, n: number | bigint): StreamRecord =>
  streamRecord({
    eventName: seq === 0 ? 'INSERT' : 'MODIFY',
    sequence: sequence(n),
    pk: headPk(tenant, 0),
    sk: 'head',
    image: { seq: { N: String(seq) }, hash: { S: 'e3b0c442' }, at: { N: '1795342530123456' }, _rev: { N: '1' } },
  })

/** What else a commit writes: a version pointer, the type index, a receipt. */
export const otherRecords = (tenant: string, n: number): StreamRecord[] => [
  streamRecord({ eventName: 'INSERT', sequence: sequence(n), pk: `V#${tenant}#Note/a`, sk: '0000000001' }),
  streamRecord({ eventName: 'INSERT', sequence: sequence(n + 1), pk: `T#${tenant}#Note#0`, sk: '00000001' }),
  streamRecord({ eventName: 'REMOVE', sequence: sequence(n + 2), pk: `Q#${tenant}#e3b0`, sk: 'request' }),
]

export const eventOf = (...Records: ReadonlyArray<StreamRecord>) => ({ Records })

/** A context that has this long to go. */
export const context = (ms = 900_000) => ({ getRemainingTimeInMillis: () => ms })
