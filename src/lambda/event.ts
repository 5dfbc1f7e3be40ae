/** A batch of a table's stream, as Lambda hands it over, and what it says: the tenants whose heads have moved. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { headSk, logOfHead } from '../../domain/keys.js'

/** A sequence number has up to 40 digits, and perhaps zeros before them: it is compared as a number and kept as a text. */
const isSequence = (u: unknown): u is string => typeof u === 'string' && /^\d{1,64}$/.test(u)
const SequenceCodec = new t.Type<string>(
  'SequenceNumber',
  isSequence,
  (u, context) => (isSequence(u) ? t.success(u) : t.failure(u, context)),
  t.identity,
)

const TextCodec = t.type({ S: t.string })

/** What is read of an event; the rest of it may be as it likes. */
const EventCodec = t.type({
  Records: t.array(
    t.type({
      eventName: t.string,
      dynamodb: t.type({ Keys: t.type({ pk: TextCodec, sk: TextCodec }), SequenceNumber: SequenceCodec }),
    }),
  ),
})

type StreamRecord = t.TypeOf<typeof EventCodec>['Records'][number]

/** A tenant whose head has moved, and the lowest sequence number of the records that say so. */
export interface MovedTenant {
  readonly tenant: string
  readonly sequence: string
}

export function decodeEvent(event: unknown): E.Either<AnnalsError, ReadonlyArray<MovedTenant>> {
  const decoded = EventCodec.decode(event)
  if (E.isRight(decoded)) return E.right(movedTenants(decoded.right.Records))
  const path = (decoded.left[0]?.context ?? []).map(({ key }) => key).filter((key) => key !== '')
  const problem = `it is no batch of the table's stream (see ${path.join('.') || 'its root'}); connect the function to that stream`
  return E.left(annalsError('InvalidInput', { what: 'event', problem }))
}

function movedTenants(records: ReadonlyArray<StreamRecord>): ReadonlyArray<MovedTenant> {
  const found = new Map<string, string>()
  for (const record of records) {
    const tenant = tenantOf(record)
    if (tenant === undefined) continue
    const { SequenceNumber } = record.dynamodb
    const before = found.get(tenant)
    found.set(tenant, before === undefined ? SequenceNumber : lowest(before, SequenceNumber))
  }
  return [...found].map(([tenant, sequence]) => ({ tenant, sequence }))
}

/** Whose head was written; `undefined` for everything else, and where a head went away: a recovery writes it anew. */
function tenantOf({ eventName, dynamodb: { Keys } }: StreamRecord): string | undefined {
  if ((eventName !== 'INSERT' && eventName !== 'MODIFY') || Keys.sk.S !== headSk) return undefined
  const log = logOfHead(Keys.pk.S)
  return log?.slice(0, log.lastIndexOf('/'))
}

/** The lower one of two sequence numbers. */
export const lowest = (a: string, b: string): string => (BigInt(b) < BigInt(a) ? b : a)
