/**
 * Pages of items, strongly consistent. A page ends where its limit does, not where DynamoDB's own pages do, and has a
 * token only if items follow: one more is asked for than is wanted.
 */
import {
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb'
import { pageToken } from '../../../domain/page-token.js'
import type { Clock, Item, ItemPage, ItemQuery, ItemScan } from '../../../domain/ports/index.js'
import { disjointPrefixes, isLive, queryName, scanName, tokenPosition } from '../../item-rules.js'
import { compareUtf8 } from '../../utf8-order.js'
import { itemOf, keyOf, type StoredItem } from './item-codec.js'

export interface Pages {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
}

/** Items that one scan request looks at, unless a megabyte is reached before. */
const itemsPerScan = 5_000
/** The least that a query asks for again, when expired items took places of its page: a long run of them costs few requests. */
const itemsPerRepeat = 500

export async function queryPage(pages: Pages, query: ItemQuery): Promise<ItemPage> {
  const { pk, from, to, descending = false, limit } = query
  const name = queryName(query)
  const position = tokenPosition(name, query.token)
  if (from !== undefined && to !== undefined && compareUtf8(from, to) > 0) return { items: [] }
  const input = {
    TableName: pages.table,
    ConsistentRead: true,
    ScanIndexForward: !descending,
    ...keyCondition(pk, from, to),
  }
  const found: Item[] = []
  let after = position === undefined ? undefined : keyOf(pk, position)
  let Limit = limit + 1
  do {
    const answer = await pages.client.send(new QueryCommand({ ...input, Limit, ExclusiveStartKey: after }))
    found.push(...liveItems(pages, answer.Items))
    after = answer.LastEvaluatedKey
    Limit = Math.max(limit + 1 - found.length, itemsPerRepeat)
  } while (after !== undefined && found.length <= limit)
  return cut(found, limit, ({ sk }) => pageToken(name, sk))
}

export async function scanPage(pages: Pages, scan: ItemScan): Promise<ItemPage> {
  const name = scanName(scan)
  const position = tokenPosition(name, scan.token)
  const [afterPk = '', afterSk = ''] = position?.split('\0') ?? []
  const found: Item[] = []
  const start = position === undefined ? undefined : keyOf(afterPk, afterSk)
  for await (const items of scanned(pages, scan.pkPrefixes, start)) {
    found.push(...liveItems(pages, items))
    if (found.length > scan.limit) break
  }
  return cut(found, scan.limit, ({ pk, sk }) => pageToken(name, `${pk}\0${sk}`))
}

/** One pass over the table: what each request found of the prefixes, expired or not. */
export async function* scanned(
  { client, table }: Pages,
  pkPrefixes: ReadonlyArray<string>,
  start?: StoredItem,
  projection?: string,
): AsyncGenerator<StoredItem[]> {
  const prefixes = disjointPrefixes(pkPrefixes)
  // Nothing to look for, and a filter of no condition would let everything pass.
  if (prefixes.length === 0) return
  const input = {
    TableName: table,
    ConsistentRead: true,
    Limit: itemsPerScan,
    ...(projection !== undefined && { ProjectionExpression: projection }),
    ...prefixFilter(prefixes),
  }
  let after = start
  do {
    const answer = await client.send(new ScanCommand({ ...input, ExclusiveStartKey: after }))
    yield answer.Items ?? []
    after = answer.LastEvaluatedKey
  } while (after !== undefined)
}

function prefixFilter(prefixes: ReadonlyArray<string>): Partial<ScanCommandInput> {
  if (prefixes[0] === '') return {}
  return {
    FilterExpression: prefixes.map((_, n) => `begins_with(pk, :p${n})`).join(' OR '),
    ExpressionAttributeValues: Object.fromEntries(prefixes.map((prefix, n) => [`:p${n}`, { S: prefix }])),
  }
}

function liveItems({ clock }: Pages, stored: ReadonlyArray<StoredItem> = []): Item[] {
  const now = clock.now()
  return stored.map(itemOf).filter((item) => isLive(item, now))
}

const cut = (found: Item[], limit: number, token: (last: Item) => string): ItemPage =>
  found.length > limit ? { items: found.slice(0, limit), token: token(found[limit - 1] as Item) } : { items: found }

function keyCondition(pk: string, from: string | undefined, to: string | undefined): Partial<QueryCommandInput> {
  const bounds =
    from !== undefined && to !== undefined
      ? ' AND sk BETWEEN :from AND :to'
      : from !== undefined
        ? ' AND sk >= :from'
        : to !== undefined
          ? ' AND sk <= :to'
          : ''
  return {
    KeyConditionExpression: `pk = :pk${bounds}`,
    ExpressionAttributeValues: {
      ':pk': { S: pk },
      ...(from !== undefined && { ':from': { S: from } }),
      ...(to !== undefined && { ':to': { S: to } }),
    },
  }
}
