/** The conditions of writes, decided by the table. An item that has expired is absent, removed yet or not. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { expiryAttribute, revAttribute } from './item-codec.js'

export interface Condition {
  readonly ConditionExpression: string
  readonly ExpressionAttributeNames: Record<string, string>
  readonly ExpressionAttributeValues: Record<string, AttributeValue>
  /** A failed condition answers with the item that it failed on, which saves reading it. */
  readonly ReturnValuesOnConditionCheckFailure: 'ALL_OLD'
}

const condition = (expression: string, names: Record<string, string>, values: Record<string, string>): Condition => ({
  ConditionExpression: expression,
  ExpressionAttributeNames: names,
  ExpressionAttributeValues: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { N: value }])),
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
})

const seconds = (nowMicros: number): string => (nowMicros / 1_000_000).toFixed(6)

const live = '(attribute_not_exists(#expires) OR #expires > :now)'

/** The stored rev is `expected`; 0 stands for an absent item. */
export const isAtRev = (expected: number, nowMicros: number): Condition =>
  expected === 0
    ? condition(
        'attribute_not_exists(#pk) OR #expires <= :now',
        { '#pk': 'pk', '#expires': expiryAttribute },
        { ':now': seconds(nowMicros) },
      )
    : condition(
        `#rev = :rev AND ${live}`,
        { '#rev': revAttribute, '#expires': expiryAttribute },
        { ':rev': String(expected), ':now': seconds(nowMicros) },
      )

/** There is an item, and its `seq` is lower. */
export const isBehind = (seq: number, nowMicros: number): Condition =>
  condition(
    `#seq < :seq AND ${live}`,
    { '#seq': 'seq', '#expires': expiryAttribute },
    { ':seq': String(seq), ':now': seconds(nowMicros) },
  )

/** There is no item, or its `seq` is lower. */
export const isOverdue = (seq: number, nowMicros: number): Condition =>
  condition(
    'attribute_not_exists(#pk) OR #seq < :seq OR #expires <= :now',
    { '#pk': 'pk', '#seq': 'seq', '#expires': expiryAttribute },
    { ':seq': String(seq), ':now': seconds(nowMicros) },
  )
