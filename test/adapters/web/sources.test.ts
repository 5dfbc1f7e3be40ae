/** Manifests and files of others: what servers do, and what they pretend. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { systemIds } from '../../../adapters/system-ids.js'
import { isPublic } from '../../../adapters/web/addresses.js'
import { defaultSourceRules, type SourceRules, webSources } from '../../../adapters/web/sources.js'
import { SourceProblem } from '../../../domain/ports/index.js'
import { handClock } from '../../protocol/hand-clock.js'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serving(handler: Handler): Promise<string> {
  const server = createServer(handler)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const sources = (rules: Partial<SourceRules> = {}) =>
  webSources({ ...defaultSourceRules, allowPrivate: true, ...rules }, { clock: handClock(), ids: systemIds })

const never = new AbortController().signal

async function readOf(url: string, rules: Partial<SourceRules> = {}, headers = {}): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of sources(rules).open(url, headers, never)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function problemOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SourceProblem)
  return (error as Error).message
}

const text = 'line\n'.repeat(50_000)

describe('a file', () => {
  test('is read as it is, plain or packed, with the headers that are asked for', async () => {
    const url = await serving(({ url, headers }, response) => {
      if (headers.authorization !== 'Bearer t') response.writeHead(401).end()
      else if (url === '/plain') response.end(text)
      else response.writeHead(200, url === '/gz' ? {} : { 'content-encoding': 'gzip' }).end(gzipSync(text))
    })
    for (const path of ['plain', 'gz', 'encoded'])
      expect(await readOf(`${url}/${path}`, {}, { authorization: 'Bearer t' })).toBe(text)
    expect(await problemOf(readOf(`${url}/plain`))).toContain('401')
  })

  test.each([
    ['with ranges', true],
    ['without ranges', false],
  ] as const)('whose connection ends too early is taken up where it ended, %s', async (_, ranges) => {
    let asked = 0
    const url = await serving(({ headers }, response) => {
      asked++
      const from = ranges ? Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0) : 0
      const range = from > 0 ? { 'content-range': `bytes ${from}-${text.length - 1}/${text.length}` } : {}
      response.writeHead(from > 0 ? 206 : 200, { ...range, etag: '"1"', 'content-length': text.length - from })
      const upTo = from + Math.floor(text.length / 3) * (ranges ? 1 : asked)
      if (upTo >= text.length) response.end(text.slice(from))
      else response.write(text.slice(from, upTo), () => setImmediate(() => response.destroy()))
    })
    expect(await readOf(url)).toBe(text)
    expect(asked).toBeGreaterThan(1)
  })

  test('that changes meanwhile is refused', async () => {
    let asked = 0
    const url = await serving((_, response) => {
      response.writeHead(200, { etag: `"${asked++}"`, 'content-length': text.length })
      response.write(text.slice(0, 1_000), () => setImmediate(() => response.destroy()))
    })
    expect(await problemOf(readOf(url))).toContain('changed')
  })

  test('that fails for a while is asked for again, and then given up', async () => {
    let asked = 0
    const url = await serving((_, response) => (asked++ < 3 ? response.writeHead(503).end() : response.end('x')))
    expect(await readOf(url)).toBe('x')
    asked = Number.NEGATIVE_INFINITY
    expect(await problemOf(readOf(url))).toContain('503')
  })

  test.each<[string, Handler, RegExp]>([
    ['a page of HTML', (_, r) => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>'), /HTML/],
    ['what is not there', (_, r) => r.writeHead(404).end(), /404/],
    ['gzip that is cut', (_, r) => r.end(gzipSync('abc').subarray(0, 15)), /gzip/],
    ['gzip that is none', (_, r) => r.end(Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])), /gzip/],
    ['another encoding', (_, r) => r.writeHead(200, { 'content-encoding': 'br' }).end('x'), /encoding/],
    ['more than the limit', (_, r) => r.end('x'.repeat(2_000)), /larger/],
    ['a bomb', (_, r) => r.end(gzipSync(Buffer.alloc(1_000_000))), /larger/],
    ['a circle of redirects', (_, r) => r.writeHead(302, { location: '/' }).end(), /redirects/],
    ['a redirect to a file', (_, r) => r.writeHead(302, { location: 'file:///etc/passwd' }).end(), /neither http/],
  ])('of %s is refused', async (_, handler, problem) => {
    const url = await serving(handler)
    expect(await problemOf(readOf(url, { maxFileBytes: 1_000 }))).toMatch(problem)
  })

  test('of an endless server ends with the limit, and a silent one with the time-out', async () => {
    const endless = await serving((_, response) => {
      const more = (): void => void response.write('x'.repeat(1_000), () => setImmediate(more))
      more()
    })
    expect(await problemOf(readOf(endless, { maxFileBytes: 100_000 }))).toContain('larger')
    const silent = await serving(() => undefined)
    expect(await problemOf(readOf(silent, { idleTimeoutMs: 20 }))).toContain('nothing came')
  })

  test('ends when its reader does', async () => {
    const url = await serving((_, response) => void response.write('xx'))
    const stop = new AbortController()
    const reading = problemOf(
      (async () => {
        for await (const _ of sources().open(url, {}, stop.signal)) stop.abort()
      })(),
    )
    expect(await reading).toContain('cannot be read')
  })

  test('that goes on elsewhere than it was asked to is refused', async () => {
    for (const range of ['bytes 0-249999/250000', 'none', undefined]) {
      const url = await serving(({ headers }, response) => {
        const isAgain = headers.range !== undefined
        const told = isAgain && range !== undefined ? { 'content-range': range } : {}
        response.writeHead(isAgain ? 206 : 200, { ...told, 'content-length': text.length })
        if (isAgain) response.end(text)
        else response.write(text.slice(0, 1_000), () => setImmediate(() => response.destroy()))
      })
      expect(await problemOf(readOf(url))).toContain('another part')
    }
  })

  test('is unpacked, however small its first piece is', async () => {
    const packed = gzipSync(text)
    const url = await serving((_, response) => {
      response.flushHeaders()
      response.write(packed.subarray(0, 1), () => setTimeout(() => response.end(packed.subarray(1)), 30))
    })
    expect(await readOf(url)).toBe(text)
  })

  test('that comes by drops, or in ever new pieces, is given up', async () => {
    const clock = handClock()
    const drops = await serving((_, response) => {
      response.flushHeaders()
      const more = (): void => {
        clock.move(50_000)
        response.write('x', () => setImmediate(more))
      }
      more()
    })
    const pieces = await serving((_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 })
      response.write('x', () => setImmediate(() => response.destroy()))
    })
    const slow = webSources({ ...defaultSourceRules, allowPrivate: true }, { clock, ids: systemIds })
    for (const [url, problem] of [
      [drops, 'too slowly'],
      [pieces, 'cannot be read'],
    ] as const) {
      const reading = (async () => {
        for await (const _ of slow.open(url, {}, never));
      })()
      expect(await problemOf(reading)).toContain(problem)
    }
  })

  test('that nobody reads to its end is let go, and so is what a redirect says', async () => {
    const open = new Set<unknown>()
    const url = await serving(({ url }, response) => {
      open.add(response)
      response.on('close', () => open.delete(response))
      response.writeHead(url === '/moved' ? 302 : 200, { location: '/' })
      const more = (): void => void (response.destroyed || response.write('x'.repeat(1_000), () => setImmediate(more)))
      more()
    })
    for (const path of ['', '/moved']) for await (const _ of sources().open(url + path, {}, never)) break
    while (open.size > 0) await new Promise((resolve) => setImmediate(resolve))
  }, 5_000)

  test('of this machine is read where it is allowed', async () => {
    expect(await problemOf(readOf(import.meta.url))).toContain('file of this machine')
    expect(await readOf(import.meta.url, { allowFiles: true })).toContain('is read where it is allowed')
    expect(await problemOf(readOf('file:///nowhere/x', { allowFiles: true }))).toContain('ENOENT')
  })
})

describe('headers', () => {
  test('are for the server that they were meant for', async () => {
    const seen: unknown[] = []
    const other = await serving(({ headers }, response) => {
      seen.push(headers.authorization)
      response.end('x')
    })
    const url = await serving((_, response) => response.writeHead(302, { location: other }).end())
    expect(await readOf(url, {}, { authorization: 'secret' })).toBe('x')
    expect(seen).toEqual([undefined])
  })
})

describe('private addresses', () => {
  test.each([
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '0.0.0.0', '100.64.0.1', '224.0.0.1'],
    ...['::1', '::', 'fe80::1', 'fc00::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '::7f00:1'],
  ])('%s is one', (address) => expect(isPublic(address)).toBe(false))

  test.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'])('%s is none', (address) =>
    expect(isPublic(address)).toBe(true),
  )

  test('are not asked: not by number, not by name, and not after a redirect', async () => {
    let asked = 0
    const url = await serving((_, response) => {
      asked++
      response.end('x')
    })
    const { port } = new URL(url)
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::127.0.0.1]', '2130706433', '0x7f.1', '127.1'])
      expect(await problemOf(readOf(`http://${host}:${port}/`, { allowPrivate: false })), host).toContain('private')
    expect(asked).toBe(0)
  })
})

describe('a manifest', () => {
  test('names files and deletions, page by page, with URLs that go by its own', async () => {
    const url = await serving(({ url }, response) => {
      const page =
        url === '/m'
          ? {
              output: [{ type: 'Patient', url: 'files/1', count: 2 }, { url: 'https://example.org/2' }],
              deleted: [{ type: 'Bundle', url: '/3' }],
              link: [{ relation: 'next', url: '/n' }],
            }
          : { output: [], error: [{ url: '/4' }] }
      response.end(JSON.stringify(page))
    })
    expect(await sources().manifest(`${url}/m`, {}, never)).toEqual([
      { url: `${url}/files/1`, type: 'Patient', count: 2 },
      { url: 'https://example.org/2' },
      { url: `${url}/3`, kind: 'deletions' },
    ])
  })

  test.each(['', '{', '[]', '1', '{}', '{"output":{}}', '{"output":[{"type":"Patient"}]}', '{"output":[{"url":7}]}'])(
    'that says %s is refused',
    async (body) => {
      const url = await serving((_, response) => response.end(body))
      expect(await problemOf(sources().manifest(url, {}, never))).toContain('manifest')
    },
  )

  test('of another server names no file of this machine, where such files are read, too', async () => {
    const url = await serving((_, response) => response.end('{"output":[{"url":"file:///etc/passwd"}]}'))
    expect(await problemOf(sources({ allowFiles: true }).manifest(url, {}, never))).toContain('file of this machine')
  })

  test('of too many files is refused', async () => {
    const page = JSON.stringify({ output: Array(10_001).fill({ url: '/1' }) })
    const url = await serving((_, response) => response.end(page))
    expect(await problemOf(sources().manifest(url, {}, never))).toContain('more than 10000 files')
  })

  test('without an end is refused', async () => {
    const url = await serving((_, response) => response.end('{"output":[],"link":[{"relation":"next","url":"/"}]}'))
    expect(await problemOf(sources().manifest(url, {}, never))).toContain('pages')
  })
})
