/** `$log` over real HTTP: what an auditor can check of it, byte by byte, and what a follower hears of it, once each. */

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementsOf, membersOf } from '../../domain/body/index.js'
import { sha256 } from '../../domain/commit.js'
import { openStore, type Store } from '../../src/index.js'
import { eventsOf } from './event-stream.js'
import { expectRefused, guarded } from './guarded.js'
import { codesOf, type Running, running } from './server.js'

const seed = Number(process.env.ANNALS_MODEL_SEED ?? randomInt(2 ** 31))

const bodies = [
  '{"resourceType":"Observation","id":"o", "valueQuantity":{"value":1.10}}',
  '{"resourceType":"Observation","id":"o","valueString":"é 😀 \\u0041 \\/"}',
  `{"resourceType":"Observation","id":"o","note":[{"text":"${'x'.repeat(200_000)}"}]}`,
]

async function written(): Promise<Running> {
  const server = await running()
  for (const body of bodies) await server.ask('PUT', 'Observation/o', { body })
  await server.ask('DELETE', 'Observation/o')
  return server
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1)

/** The bytes of a member, as they stand. */
function member(bytes: Buffer, name: string): Buffer {
  for (const each of membersOf(bytes, 0)) if (each.name === name) return bytes.subarray(each.start, each.end)
  throw new Error(`there is no ${name}`)
}

const elements = (bytes: Buffer): Buffer[] =>
  [...elementsOf(bytes, 0)].map(({ start, end }) => bytes.subarray(start, end))

interface Header {
  readonly prev: string
  readonly transactions: ReadonlyArray<{ readonly events: ReadonlyArray<{ readonly sha256?: string }> }>
}

describe('as lines', () => {
  test('is the chain, which an auditor checks from them alone: every header, every body', async () => {
    const { ask } = await written()
    const answer = await ask('GET', '$log?headers=true')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    let before = '0'.repeat(64)
    let bodiesSeen = 0
    const lines = linesOf(answer.text)
    for (const [i, line] of lines.entries()) {
      const { seq, hash, prev, header } = JSON.parse(line)
      expect([seq, prev, sha256(header)]).toEqual([i + 1, before, hash])
      const stored = JSON.parse(header) as Header
      expect(stored.prev).toBe(before)
      const transactions = elements(member(Buffer.from(line), 'transactions'))
      for (const [t, transaction] of transactions.entries())
        for (const [e, event] of elements(member(transaction, 'events')).entries()) {
          const known = stored.transactions[t]?.events[e]?.sha256
          if (known === undefined) continue
          expect(sha256(member(event, 'body'))).toBe(known)
          bodiesSeen++
        }
      before = hash
    }
    expect([lines.length, bodiesSeen]).toEqual([4, 3])
  })

  test('holds bodies as they are stored, and says who wrote what, when and why', async () => {
    const { ask, store } = await written()
    const headers = { 'idempotency-key': 'k', 'x-request-id': 'r' }
    await ask('POST', 'Patient', { headers, body: '{"resourceType":"Patient"}' })
    const lines = linesOf((await ask('GET', '$log')).text)
    const tenant = await store.tenant('default')
    for (const version of [1, 2, 3]) {
      const body = (await tenant.read('Observation', 'o', { version }))?.text() as string
      expect(lines[version - 1]).toContain(`"body":${body}}`)
    }
    expect(JSON.parse(lines[3] as string).transactions[0].events).toEqual([
      expect.objectContaining({ op: 'delete', deleted: true }),
    ])
    expect(JSON.parse(lines[4] as string)).toMatchObject({ transactions: [{ request: 'k', causation: 'r' }] })
    expect(JSON.parse(lines[4] as string)).not.toHaveProperty('header')
    const without = linesOf((await ask('GET', '$log?bodies=false')).text)
    expect(without).toHaveLength(5)
    for (const line of without) expect(line).not.toContain('"body"')
  })

  test.each([
    ['', [1, 2, 3, 4]],
    ['?from=3', [3, 4]],
    ['?from=2&to=3', [2, 3]],
    ['?to=99', [1, 2, 3, 4]],
    ['?_count=2', [1, 2]],
    ['?from=2&_count=1', [2]],
    ['?from=2&to=3&_count=9', [2, 3]],
    ['?from=5', []],
  ])('from and to: %s', async (query, expected) => {
    const { ask } = await written()
    const lines = linesOf((await ask('GET', `$log${query}`)).text)
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(expected)
  })

  test('comes by POST, compressed where that is taken, and by HEAD without a line', async () => {
    const { ask } = await written()
    const parameter = [
      { name: 'from', valuePositiveInt: 4 },
      { name: 'bodies', valueBoolean: false },
    ]
    const posted = await ask('POST', '$log', { body: { resourceType: 'Parameters', parameter } })
    expect(linesOf(posted.text)).toHaveLength(1)
    const compressed = await ask('GET', '$log', { headers: { 'accept-encoding': 'gzip' } })
    expect([compressed.headers.get('content-encoding'), linesOf(compressed.text).length]).toEqual(['gzip', 4])
    const head = await ask('HEAD', '$log')
    expect([head.status, head.headers.get('content-type'), head.text]).toEqual([200, 'application/x-ndjson', ''])
  })

  test.each([
    ['?from=6', 400, 'value'],
    ['?from=0', 400, 'value'],
    ['?from=3&to=2', 400, 'value'],
    ['?_count=0', 400, 'value'],
    ['?bodies=perhaps', 400, 'value'],
    ['?partition=1', 400, 'value'],
    ['?since=2026', 400, 'not-supported'],
    ['?_format=json', 406, 'not-supported'],
  ])('%s is refused', async (query, status, code) => {
    const { ask } = await written()
    const answer = await ask('GET', `$log${query}`)
    expect([answer.status, ...codesOf(answer)]).toEqual([status, code])
  })

  test('is that of one log, where a tenant has several', async () => {
    const store = await openStore('memory:')
    const tenant = await store.tenant('default', { partitions: 2 })
    for (let n = 0; n < 8; n++) await tenant.create('Patient', { resourceType: 'Patient' })
    const { ask } = await running({}, store)
    const unsaid = await ask('GET', '$log')
    expect([unsaid.status, ...codesOf(unsaid)]).toEqual([400, 'required'])
    const logs = [await ask('GET', '$log?partition=0'), await ask('GET', '$log?partition=1')]
    expect(logs.map(({ status }) => status)).toEqual([200, 200])
    expect(logs.flatMap(({ text }) => linesOf(text))).toHaveLength(8)
    expect((await ask('GET', '$log?partition=2')).status).toBe(400)
  })

  test('takes the permission to read and to search everything', async () => {
    const { ask, authority } = await guarded()
    const asWith = async (scope: string) => ask('GET', '$log', { headers: await authority.bearer(scope) })
    expect((await asWith('system/*.rs')).status).toBe(200)
    for (const scope of ['system/*.r', 'system/*.s', 'system/*.cud', 'system/Patient.rs'])
      expectRefused(await asWith(scope), 403, 'forbidden', 'insufficient_scope')
  })
})

describe('as events', () => {
  test('goes on with new commits, each under the position of its last event', async () => {
    const { ask, base } = await written()
    const stream = await eventsOf(`${base}/$log`, undefined, { 'accept-encoding': 'gzip' })
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.response.headers.get('content-encoding')).toBeNull()
    const seen = [await stream.event(), await stream.event(), await stream.event(), await stream.event()]
    expect(seen.map((event) => [event?.id, event?.data.seq])).toEqual([1, 2, 3, 4].map((seq) => [`0-${seq}-0`, seq]))
    const entry = ['a', 'b'].map((id) => ({
      resource: { resourceType: 'Patient', id },
      request: { method: 'PUT', url: `Patient/${id}` },
    }))
    await ask('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } })
    const next = await stream.event()
    expect([next?.id, next?.data.transactions[0].events.length]).toEqual(['0-5-1', 2])
    expect(next?.data.transactions[0].events[0].body).toMatchObject({ id: 'a' })
    stream.leave()
  })

  test('begins where it is told to, and behind the last one that a client has had', async () => {
    const { base } = await written()
    const first = async (query: string, last?: string) => {
      const stream = await eventsOf(`${base}/$log${query}`, last)
      const event = await stream.event()
      stream.leave()
      return event?.data.seq
    }
    expect(await first('?from=3&bodies=false')).toBe(3)
    expect(await first('', '0-2-0')).toBe(3)
    expect(await first('?from=1', '0-3-0')).toBe(4)
  })

  test('gives a sign of life where there is nothing to tell', async () => {
    const { base } = await running({ heartbeatMs: 20 })
    const stream = await eventsOf(`${base}/$log`)
    for (let n = 0; n < 4; n++) expect(await stream.next()).toEqual({})
    stream.leave()
  })

  test.each([
    ['', '0-9-0', 'http.Last-Event-ID'],
    ['', '0-1-7', 'http.Last-Event-ID'],
    ['', '1-1-0', 'http.Last-Event-ID'],
    ['', '0-0-0', 'http.Last-Event-ID'],
    ['', 'nonsense', 'http.Last-Event-ID'],
    ['?from=9', undefined, 'http.from'],
    ['?to=3', undefined, 'http.to'],
    ['?_count=3', undefined, 'http._count'],
  ])('%s behind %s is refused', async (query, last, location) => {
    const { ask } = await written()
    const headers = { accept: 'text/event-stream', ...(last === undefined ? undefined : { 'last-event-id': last }) }
    const answer = await ask('GET', `$log${query}`, { headers })
    expect([answer.status, answer.body.issue[0].location]).toEqual([400, [location]])
  })

  test(`whoever comes again hears every commit once, while others write, with seed ${seed}`, async () => {
    const stints = fc.array(fc.nat(6), { minLength: 1, maxLength: 5 })
    const writers = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(writers, stints, fc.nat(3), async (counts, stints, before) => {
        const { ask, base, store } = await running()
        for (let n = 0; n < before; n++) await ask('POST', 'Patient', { body: '{"resourceType":"Patient"}' })
        const writing = counts.map(async (count, writer) => {
          for (let n = 0; n < count; n++) {
            const id = `${writer}-${n % 3}`
            await ask('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id, multipleBirthInteger: n } })
          }
        })
        const heard: number[] = []
        let last: string | undefined
        let hash = '0'.repeat(64)
        const listen = async (isEnough: () => boolean) => {
          const stream = await eventsOf(`${base}/$log?bodies=false`, last)
          while (!isEnough()) {
            const event = await stream.event()
            if (event === undefined) throw new Error('it has ended')
            expect(event.data.prev).toBe(hash)
            heard.push(event.data.seq)
            last = event.id
            hash = event.data.hash
          }
          stream.leave()
        }
        const all = Promise.all(writing)
        for (const stint of stints) {
          const until = heard.length + stint
          if (until < before + 1) await listen(() => heard.length >= until)
        }
        await all
        const { seq } = await (await store.tenant('default')).head()
        for (const stint of stints) {
          const until = Math.min(seq, heard.length + stint)
          await listen(() => heard.length >= until)
        }
        await listen(() => heard.length >= seq)
        expect(heard).toEqual(Array.from({ length: seq }, (_, n) => n + 1))
      }),
      { seed, numRuns: 15 },
    )
  })
})

/** The store with a count of the commits that readers of the log have pulled. */
function counting(store: Store): { readonly store: Store; pulled(): number } {
  let pulled = 0
  const counted = new Proxy(store, {
    get: (target, name) => {
      if (name !== 'tenant') return Reflect.get(target, name)
      return async (...asked: Parameters<Store['tenant']>) => {
        const tenant = await target.tenant(...asked)
        const commits: typeof tenant.commits = async function* (options) {
          for await (const commit of tenant.commits(options)) {
            pulled++
            yield commit
          }
        }
        const own = { ...tenant, commits }
        return { ...own, partitions: [own] }
      }
    },
  })
  return { store: counted, pulled: () => pulled }
}

/** Large commits, more than the buffers of a connection hold. */
async function large(count: number): Promise<Store> {
  const store = await openStore('memory:')
  const tenant = await store.tenant('default')
  const text = 'x'.repeat(1_000_000)
  for (let n = 0; n < count; n++)
    await tenant.update('Patient', 'p', `{"resourceType":"Patient","id":"p","x":"${text}"}`)
  return store
}

/** A reader that reads nothing, on a connection of its own. */
function silent({ root }: Running, accept: string) {
  const { hostname, port } = new URL(root)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.pause()
  socket.write(`GET /fhir/$log HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\n\r\n`)
  return socket
}

/** Resolves with a number once it has not changed for a while. */
async function settled(count: () => number): Promise<number> {
  let before = -1
  let looks = 0
  await expect
    .poll(
      () => {
        const now = count()
        looks = now === before && now > 0 ? looks + 1 : 0
        before = now
        return looks
      },
      { interval: 20, timeout: 30_000 },
    )
    .toBeGreaterThan(15)
  return before
}

describe('readers', () => {
  test.each(['application/x-ndjson', 'text/event-stream'])(
    'that read nothing are not read for, as %s',
    async (accept) => {
      const { store, pulled } = counting(await large(60))
      const server = await running({}, store)
      const socket = silent(server, accept)
      expect(await settled(pulled)).toBeLessThan(30)
      let bytes = 0
      socket.on('data', (chunk) => {
        bytes += chunk.length
      })
      socket.resume()
      await expect.poll(() => bytes, { timeout: 30_000 }).toBeGreaterThan(60_000_000)
      socket.destroy()
    },
  )

  test('that take nothing any more are let go of, and make room', async () => {
    const server = await running({ maxLogReaders: 1, connectionTimeoutMs: 1_000 }, await large(20))
    // Beside the connections that are let go of.
    const status = async () => (await server.app.inject('/fhir/$log?to=1&bodies=false')).statusCode
    const accepted = once(server.app.server, 'connection')
    const asked = once(server.app.server, 'request')
    const socket = silent(server, 'text/event-stream')
    const [[connection]] = await Promise.all([accepted, asked])
    const closed = once(connection, 'close')
    await expect.poll(status).toBe(503)
    await closed
    await expect.poll(status).toBe(200)
    socket.destroy()
  })

  test('are a bounded number, and whoever leaves makes room', async () => {
    const { ask, base } = await running({ maxLogReaders: 2 })
    const [first, second] = [await eventsOf(`${base}/$log`), await eventsOf(`${base}/$log`)]
    const refused = await ask('GET', '$log', { headers: { accept: 'text/event-stream' } })
    expect([refused.status, ...codesOf(refused), refused.headers.get('retry-after')]).toEqual([503, 'throttled', '1'])
    expect((await ask('GET', '$log')).status).toBe(503)
    expect((await ask('GET', 'metadata')).status).toBe(200)
    first.leave()
    await expect.poll(async () => (await ask('GET', '$log')).status).toBe(200)
    second.leave()
  })

  test('that have what they asked for, or were refused, do not count', async () => {
    const { ask } = await running({ maxLogReaders: 1 })
    for (let n = 0; n < 5; n++) {
      expect((await ask('GET', '$log')).status).toBe(200)
      expect((await ask('GET', '$log?from=9')).status).toBe(400)
      expect((await ask('HEAD', '$log')).status).toBe(200)
    }
  })

  test('hear nothing more when their token has expired', async () => {
    const { ask, base, authority } = await guarded()
    const good = await authority.bearer('system/*.cruds')
    const short = await authority.bearer('system/*.rs', { claims: { exp: Date.now() / 1_000 + 3 } })
    const body = '{"resourceType":"Patient","id":"a"}'
    const stream = await eventsOf(`${base}/$log`, undefined, short)
    await ask('PUT', 'Patient/a', { body, headers: good })
    expect((await stream.event())?.data.seq).toBe(1)
    expect(await stream.event()).toBeUndefined()
    await ask('PUT', 'Patient/a', { body, headers: good })
    expect((await ask('GET', '$log?from=2', { headers: good })).text).toContain('"seq":2')
  })

  test('do not keep a server that ends: events end, and lines are cut where they are not at their end', async () => {
    const server = await running({}, await large(60))
    const stream = await eventsOf(`${server.base}/$log?bodies=false&from=61`)
    expect(await stream.next()).toEqual({})
    const slow = await fetch(`${server.base}/$log`)
    const started = performance.now()
    const closed = server.app.close()
    expect(await stream.event()).toBeUndefined()
    await expect(slow.text()).rejects.toThrow()
    await closed
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
