/** Decisions, as sentences: what a state and a transaction come to. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Current, Expectation, Operation, Transaction } from '../../domain/decide.js'
import { decide } from '../../domain/decide.js'
import type { Document } from '../../domain/document.js'
import { readDocument } from '../../domain/document.js'
import { orThrow } from '../../domain/task.js'

const place = { seq: 10, at: 1_000_000 }
const documentOf = (text: string): Document => orThrow(readDocument('json', Buffer.from(text), 'Note', undefined))
const current = (version: number, over: Partial<Current> = {}): Current => ({
  version,
  deleted: false,
  seq: 4,
  index: 2,
  at: 7,
  ...over,
})
const deleted = (version: number): Current => current(version, { deleted: true })

const put = (id: string, expect: Expectation = 'any', over: object = {}): Operation => ({
  kind: 'put',
  type: 'Note',
  id,
  idAssigned: false,
  method: 'PUT',
  expect,
  onlyIfChanged: false,
  body: documentOf('{"n":1}'),
  ...over,
})
const remove = (id: string, expect: Expectation = 'any'): Operation => ({ kind: 'delete', type: 'Note', id, expect })
const tx = (...operations: Operation[]): Transaction => ({ operations })

type State = Record<string, Current>
const lookup = (state: State) => ({
  current: (key: string): Current | undefined => state[key.slice('Note/'.length)],
  selected: () => [],
})

/** What each transaction of a batch came to, in a few words. */
function given(state: State, ...batch: Transaction[]): string[] {
  return decide(batch, place, lookup(state)).decisions.map((decision) => {
    if (decision.kind === 'overtaken') return 'overtaken'
    if (decision.kind === 'rejected')
      return decision.conflicts
        .map(({ operation, id, actual }) => `conflict: operation ${operation} finds ${id} at ${actual}`)
        .join(', ')
    return decision.effects
      .map((effect) =>
        effect.changed
          ? `${effect.event.op} ${effect.event.id}@${effect.event.version}`
          : `${effect.id} stays at ${effect.current?.version ?? 0}`,
      )
      .join(', ')
  })
}

describe('a check', () => {
  const check = (id: string, expect: Expectation): Operation => ({ kind: 'check', type: 'Note', id, expect })
  test('that holds writes nothing, and the others happen', () => {
    expect(given({ a: current(3) }, tx(check('a', 3), put('b')))).toEqual(['a stays at 3, create b@1'])
  })
  test('that fails rejects the others, and is listed with every other conflict', () => {
    expect(given({ a: current(3) }, tx(check('a', 2), put('b'), put('a', 'absent')))).toEqual([
      'conflict: operation 0 finds a at 3, conflict: operation 2 finds a at 3',
    ])
  })
  test('sees what the operations before it do', () => {
    expect(given({}, tx(put('a'), check('a', 'exists'), check('a', 1)))).toEqual([
      'create a@1, a stays at 1, a stays at 1',
    ])
  })
})

describe('a premise', () => {
  const on = (version: number, ...operations: Operation[]): Transaction => ({
    ...tx(...operations),
    premises: [{ type: 'Note', id: 'a', version }],
  })
  test('that holds lets the operations happen', () => {
    expect(given({ a: current(3) }, on(3, put('a')))).toEqual(['update a@4'])
    expect(given({}, on(0, put('a')))).toEqual(['create a@1'])
  })
  test('that holds no more makes the plan worthless, whatever its operations expect', () => {
    expect(given({ a: current(4) }, on(3, put('b')))).toEqual(['overtaken'])
    expect(given({ a: deleted(4) }, on(3))).toEqual(['overtaken'])
    expect(given({}, on(1, put('b')))).toEqual(['overtaken'])
  })
  test('sees what transactions before it in the batch do', () => {
    expect(given({ a: current(3) }, on(3, put('a')), on(3, put('a')), on(4, put('a')))).toEqual([
      'update a@4',
      'overtaken',
      'update a@5',
    ])
  })
})

describe('a put', () => {
  test('of what does not exist creates version 1', () => {
    expect(given({}, tx(put('a')))).toEqual(['create a@1'])
  })
  test('of what exists writes the next version', () => {
    expect(given({ a: current(3) }, tx(put('a')))).toEqual(['update a@4'])
  })
  test('of what was deleted creates it again, with the next version', () => {
    expect(given({ a: deleted(3) }, tx(put('a')))).toEqual(['create a@4'])
  })
  test('names the event that it follows', () => {
    const [decision] = decide([tx(put('a'))], place, lookup({ a: current(3) })).decisions
    expect(decision).toMatchObject({ events: [{ prev: { seq: 4, index: 2 } }] })
  })
  test('with an id that the store has made asks for no earlier version', () => {
    expect(given({ a: current(3) }, tx(put('a', 'absent', { idAssigned: true })))).toEqual(['create a@1'])
  })
})

describe('a delete', () => {
  test('of what exists writes a deletion', () => {
    expect(given({ a: current(3) }, tx(remove('a')))).toEqual(['delete a@4'])
  })
  test('of what does not exist, or is deleted, writes nothing', () => {
    expect(given({}, tx(remove('a')))).toEqual(['a stays at 0'])
    expect(given({ a: deleted(3) }, tx(remove('a')))).toEqual(['a stays at 3'])
  })
})

describe('an expectation', () => {
  const states: State = { present: current(3), gone: deleted(3) }
  test.each<[Expectation, string[]]>([
    ['any', ['none', 'present', 'gone']],
    ['exists', ['present']],
    ['absent', ['none', 'gone']],
    [3, ['present', 'gone']],
    [0, ['none']],
    [2, []],
    [
      [2, 3],
      ['present', 'gone'],
    ],
    [
      [0, 3],
      ['none', 'present', 'gone'],
    ],
    [[], []],
  ])('of %j holds for %j alone', (expected, holds) => {
    for (const id of ['none', 'present', 'gone'])
      for (const operation of [put(id, expected), remove(id, expected)])
        expect(given(states, tx(operation))[0]?.startsWith('conflict')).toBe(!holds.includes(id))
  })

  test('that fails is listed with all the others, and says what is there', () => {
    const { decisions } = decide([tx(put('gone', 'exists'), put('present'), put('none', 2))], place, lookup(states))
    expect(decisions).toEqual([
      {
        kind: 'rejected',
        conflicts: [
          { operation: 0, type: 'Note', id: 'gone', expected: 'exists', actual: 3, deleted: true },
          { operation: 2, type: 'Note', id: 'none', expected: 2, actual: 0, deleted: false },
        ],
      },
    ])
  })
})

describe('a put only if changed', () => {
  const same = { onlyIfChanged: true }
  const there = (text: string, over = {}): State => ({ a: current(3, { body: Buffer.from(text), ...over }) })
  test('writes nothing when the tokens are the same', () => {
    expect(given(there('{ "n" : 1 }'), tx(put('a', 'any', same)))).toEqual(['a stays at 3'])
  })
  test('writes when a digit differs', () => {
    expect(given(there('{"n":1.0}'), tx(put('a', 'any', same)))).toEqual(['update a@4'])
  })
  test('writes when it was deleted, though the body before said the same', () => {
    expect(given(there('{"n":1}', { deleted: true }), tx(put('a', 'any', same)))).toEqual(['create a@4'])
  })
  test('still minds its expectation', () => {
    expect(given(there('{"n":1}'), tx(put('a', 2, same)))).toEqual(['conflict: operation 0 finds a at 3'])
  })
})

describe('a transaction', () => {
  test('sees its own earlier operations', () => {
    expect(given({}, tx(put('a', 'absent'), put('a', 1), remove('a', 2), put('a', 'absent')))).toEqual([
      'create a@1, update a@2, delete a@3, create a@4',
    ])
  })
  test('sees those before it in the batch', () => {
    expect(given({}, tx(put('a')), tx(put('a', 1)), tx(put('a', 1)))).toEqual([
      'create a@1',
      'update a@2',
      'conflict: operation 0 finds a at 2',
    ])
  })
  test('that conflicts leaves no trace for those after it', () => {
    expect(given({}, tx(put('a'), put('b', 'exists')), tx(put('a', 'absent')))).toEqual([
      'conflict: operation 1 finds b at 0',
      'create a@1',
    ])
  })
  test('that conflicts takes no index in the commit', () => {
    const { decisions } = decide([tx(put('a')), tx(put('b', 'exists')), tx(put('c'))], place, lookup({}))
    expect(decisions).toMatchObject([{ effects: [{ index: 0 }] }, { kind: 'rejected' }, { effects: [{ index: 1 }] }])
  })
  test('of nothing is accepted and writes nothing', () => {
    expect(decide([tx()], place, lookup({})).decisions).toEqual([{ kind: 'accepted', events: [], effects: [] }])
  })
})

const ids = fc.constantFrom('a', 'b', 'c')
const expectations = fc.constantFrom<Expectation>('any', 'exists', 'absent', 0, 1, 2, 3, [1, 3])
const operations = fc.oneof(
  fc.tuple(ids, expectations).map(([id, expected]) => put(id, expected)),
  fc.tuple(ids, expectations).map(([id, expected]) => remove(id, expected)),
)
const transactions = fc.array(operations, { maxLength: 5 }).map((list) => tx(...list))
const states = fc.dictionary(
  ids,
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()).map(([version, gone]) => current(version, { deleted: gone })),
)

describe('whatever the batch', () => {
  test('versions of a resource stay dense, and every event names the one before it', () => {
    fc.assert(
      fc.property(states, fc.array(transactions, { maxLength: 6 }), (state, batch) => {
        const { decisions, changes } = decide(batch, place, lookup(state))
        const seen = new Map<string, Current>(Object.entries(state).map(([id, each]) => [`Note/${id}`, each]))
        let index = 0
        for (const decision of decisions) {
          if (decision.kind !== 'accepted') continue
          for (const event of decision.events) {
            const before = seen.get(`Note/${event.id}`)
            expect(event.version).toBe((before?.version ?? 0) + 1)
            expect(event.prev).toEqual(before && { seq: before.seq, index: before.index })
            expect(event.op === 'create').toBe((before === undefined || before.deleted) && event.op !== 'delete')
            const deleted = event.op === 'delete'
            seen.set(`Note/${event.id}`, { version: event.version, deleted, ...place, index: index++ })
          }
        }
        for (const [key, change] of changes) {
          const { version, deleted, seq, index } = change
          expect({ version, deleted, seq, index, at: place.at }).toEqual(seen.get(key))
        }
      }),
    )
  })

  test('deciding it together is deciding it one by one, leaving out who conflicts', () => {
    fc.assert(
      fc.property(states, fc.array(transactions, { maxLength: 6 }), (state, batch) => {
        const together = given(state, ...batch)
        const accepted: Transaction[] = []
        const alone = batch.map((transaction) => {
          const answer = given(state, ...accepted, transaction).at(-1) as string
          if (!answer.startsWith('conflict')) accepted.push(transaction)
          return answer
        })
        expect(together).toEqual(alone)
      }),
    )
  })

  test('the state that it was decided on is not changed', () => {
    fc.assert(
      fc.property(states, fc.array(transactions, { maxLength: 4 }), (state, batch) => {
        const before = structuredClone(state)
        given(state, ...batch)
        expect(state).toEqual(before)
      }),
    )
  })
})
