/** What a copy asks of both sides, and what it holds in memory. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../domain/commit.js'
import { blobKey } from '../../domain/keys.js'
import { run } from '../../domain/task.js'
import { failure, logObject } from '../protocol/world.js'
import { type Call, through, watched } from './faults.js'
import { changes, large, tale } from './histories.js'
import { copy, expectEqual, filled, inMemory, type Place } from './places.js'

/** Every call that a copy makes, without that of opening the stores. */
async function callsOf(from: Place, to: Place) {
  await to.open()
  const [ours, theirs] = [watched(), watched()]
  const [source, destination] = [await from.open(ours.ports), await to.open(theirs.ports)]
  await source.copy('t', destination)
  return { source: ours.calls.slice(1), destination: theirs.calls.slice(1) }
}

const count = (calls: ReadonlyArray<Call>, method: string, key: RegExp): number =>
  calls.filter((call) => call.method === method && key.test(call.key)).length
const shown = (calls: ReadonlyArray<Call>): string[] => calls.map(({ method, key }) => `${method} ${key}`)

const log = /^t\/log/
const blobs = /^t\/blobs/

describe('a copy', () => {
  test('reads each object once, and writes it once', async () => {
    const { source, destination } = await callsOf(await filled(await inMemory()), await inMemory())
    expect([count(source, 'get', log), count(source, 'get', blobs)]).toEqual([6, 1])
    expect([count(destination, 'createIfAbsent', log), count(destination, 'createIfAbsent', blobs)]).toEqual([6, 1])
    expect([count(destination, 'putAll', /V#/), count(destination, 'advance', /^H#/)]).toEqual([6, 6])
    expect([count(source, 'list', /./), count(destination, 'list', /./)]).toEqual([0, 1])
    expect([source.length, destination.length]).toEqual([10, 27])
  })

  test('that goes on asks for what is new, however long the log is', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    for (let round = 0; round < 3; round++) {
      await filled(from, changes(50), `${round}-`)
      await copy(from, to)
      await filled(from, changes(2), `${round}+`)
      const { source, destination } = await callsOf(from, to)
      expect([source.length, destination.length]).toEqual([4 + 2, 7 + 2 * 3])
    }
  })

  test('that finds nothing new writes nothing', async () => {
    const [from, to] = [await filled(await inMemory()), await inMemory()]
    await copy(from, to)
    const { source, destination } = await callsOf(from, to)
    const [last, next] = [`get ${logObject(6)}`, logObject(7)]
    expect(shown(source)).toEqual(['get t/tenant.json', 'get H#t#0', last, 'get H#t#0'])
    expect(shown(destination)).toEqual([
      'get t/tenant.json',
      'get H#t#0',
      `head ${next}`,
      last,
      'get H#t#0',
      last,
      `get ${next}`,
    ])
  })

  test('does not send a large body again that is at the destination already', async () => {
    const [from, to] = [await filled(await inMemory(), tale.slice(0, 3)), await inMemory()]
    await copy(from, to)
    await filled(from)
    const key = blobKey('t', sha256(large))
    const { source, destination } = await callsOf(from, to)
    expect(count(source, 'get', blobs)).toBe(1)
    expect(shown(destination).filter((call) => call.includes('/blobs/'))).toEqual([
      `createIfAbsent ${key}`,
      `head ${key}`,
    ])
    await expectEqual(from, to)
  })
})

/** The character behind the text is another one. */
function changed(bytes: Uint8Array, text: string): Uint8Array {
  const copied = Buffer.from(bytes)
  const at = copied.indexOf(text) + text.length
  copied[at] = copied[at] === 120 ? 121 : 120
  return copied
}

const mebibyte = 1024 * 1024
const textOf = (bytes: number, letter: string): string => JSON.stringify({ text: letter.repeat(bytes) })

describe('in memory', () => {
  test('are as many large bodies of one commit as fit, all of which were checked before the first is written', async () => {
    const [from, to] = [await inMemory(), await inMemory()]
    const bodies = ['a', 'b', 'c', 'd'].map((letter) => textOf(22 * mebibyte, letter))
    await filled(from, [bodies.map((body, n) => ({ op: 'create', type: 'Note', id: `${n}`, body }))])
    await to.open()
    const order: string[] = []
    const note = (what: string) =>
      through(({ method, key }, proceed) => {
        if (blobs.test(key) && /get|create/.test(method)) order.push(what)
        return proceed()
      })
    await (await from.open(note('r'))).copy('t', await to.open(note('w')))
    expect(order.join('')).toBe('rrrrrrwwrrww')
    for (const body of bodies) expect((await run(to.blobs.head(blobKey('t', sha256(body)))))?.size).toBe(body.length)

    const last = blobKey('t', sha256(bodies[3] ?? ''))
    await run(from.blobs.put(last, Buffer.from('{"text":"d"}')))
    const other = await inMemory()
    expect(await failure(copy(from, other))).toMatchObject({ _tag: 'Corrupt', data: { key: last } })
    expect((await run(other.blobs.list('t/', { limit: 10 }))).entries).toEqual([])
  })

  test('is a commit that is longer than what is read ahead of it', async () => {
    const [from, to] = [await inMemory(), await inMemory()]
    const store = await from.open({ limits: { maxInlineBytes: 8 * mebibyte } })
    const tenant = await store.tenant('t', { kind: 'json' })
    for (const letter of ['a', 'b', 'c']) await tenant.create('Note', textOf(5 * mebibyte, letter))
    expect(await copy(from, to)).toMatchObject({ commits: 3, blobs: 0 })
    await expectEqual(from, to)
  })

  test.each(['gone', 'another'])('such a commit that is %s when the rest of it is read is damage', async (what) => {
    const from = await inMemory()
    const store = await from.open({ limits: { maxInlineBytes: 8 * mebibyte } })
    const tenant = await store.tenant('t', { kind: 'json' })
    for (const letter of ['a', 'b']) await tenant.create('Note', textOf(5 * mebibyte, letter))
    const source = await from.open({
      blobs: (blobs) => ({
        ...blobs,
        get: (key, range) => {
          if (key !== logObject(1) || range !== undefined) return blobs.get(key, range)
          if (what === 'gone') return blobs.get(logObject(9))
          return pipe(
            blobs.get(key),
            TE.map((blob) => blob && { ...blob, bytes: changed(blob.bytes, '"writer":"') }),
          )
        },
      }),
    })
    const error = await failure(source.copy('t', await (await inMemory()).open()))
    expect(error).toMatchObject({ _tag: 'Corrupt', data: { key: logObject(1) } })
  })
})
