/** Every subscriber hears exactly what lies after its beginning, whatever is written meanwhile and however poor the bell is. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Position } from '../../src/index.js'
import { type Asked, type Heard, type Outcome, play, type Told, tales } from './subscribing.js'

const isAfter = (a: Position, b: Position): boolean => a.seq > b.seq || (a.seq === b.seq && a.index > b.index)

const wanted =
  ({ options: { types, operations } }: Asked) =>
  ({ type, op }: Told): boolean =>
    (types === undefined || types.includes(type)) && (operations === undefined || operations.includes(op))

/** A subscriber that asked for no bodies is told none. */
const linesOf = ({ options }: Asked, events: ReadonlyArray<Told>): string[] =>
  events.map(({ position, line }) => {
    const { seq, index } = position
    return `${seq}-${index} ${options.bodies === false ? line.replace(/ \{.*/, '') : line}`
  })

/** No gap, no repeat, in order: all that is asked for after the beginning. */
function judgeEvents({ log }: Outcome, { asked, from, visible, events }: Heard): void {
  const all = log.filter(wanted(asked))
  // Where now was, only the log knows: behind everything that was visible before, and then nothing is left out.
  const expected =
    from === undefined ? all.slice(all.length - events.length) : all.filter((e) => isAfter(e.position, from))
  expect(linesOf(asked, events)).toEqual(linesOf(asked, expected))
  if (from === undefined) for (const { position } of events) expect(position.seq).toBeGreaterThan(visible)
}

function judgeCaughtUp({ log }: Outcome, { events, caughtUp }: Heard): void {
  const last = log.at(-1)?.position ?? { partition: 0, seq: 0, index: 0 }
  expect(caughtUp.at(-1)?.position).toEqual(last)
  let before: Position | undefined
  for (const { position, events: count, visible, isFirst } of caughtUp) {
    // Once for each stretch, and about everything that every reader could see.
    if (before !== undefined && !isFirst) expect(isAfter(position, before)).toBe(true)
    expect(position.seq).toBeGreaterThanOrEqual(visible)
    // Nothing older comes later, and nothing newer has come.
    expect(events.slice(0, count).every((e) => !isAfter(e.position, position))).toBe(true)
    expect(events.slice(count).every((e) => isAfter(e.position, position))).toBe(true)
    before = position
  }
}

describe('subscribers', () => {
  test('hear each event after their beginning once, in order, and when they have heard all', async () => {
    await fc.assert(
      fc.asyncProperty(tales, async (tale) => {
        const outcome = await play(tale)
        for (const heard of outcome.heard) {
          judgeEvents(outcome, heard)
          judgeCaughtUp(outcome, heard)
        }
      }),
      { numRuns: 200 },
    )
  })
})
