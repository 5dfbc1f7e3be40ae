/** The fault proxy does what its plan says, to the requests that it names, and to no other. */
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fault, type FaultPlan, type FaultProxy, faults, startFaultProxy } from './fault-proxy.js'

interface Seen {
  readonly method?: string
  readonly url?: string
  readonly host?: string
  readonly body: string
}

const answerText = 'an answer of some length'

let applied: Seen[]
let onApplied: () => void
let target: { readonly url: string; stop(): Promise<void> }
let proxy: FaultProxy | undefined

beforeEach(async () => {
  applied = []
  onApplied = () => undefined
  target = await startTarget()
})

afterEach(async () => {
  await proxy?.stop()
  await target.stop()
})

/** A server that keeps what it is sent, and answers a PUT with nothing and all else with a text. */
async function startTarget() {
  const server = createServer((request, response) => {
    text(request).then((body) => {
      applied.push({ method: request.method, url: request.url, host: request.headers.host, body })
      onApplied()
      response.setHeader('X-Served', 'yes').end(request.method === 'PUT' ? '' : answerText)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as { port: number }
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections())
  return { url: `http://127.0.0.1:${port}`, stop }
}

async function text(message: IncomingMessage): Promise<string> {
  let whole = ''
  for await (const chunk of message) whole += chunk
  return whole
}

const start = async (plan: FaultPlan, delayMs?: number): Promise<FaultProxy> => {
  proxy = await startFaultProxy({ target: target.url, ...plan, ...(delayMs !== undefined && { delayMs }) })
  return proxy
}

interface Heard {
  readonly status?: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What a client hears on a connection of its own; rejects with the error of its socket. */
function ask(method: string, path: string, { headers = {}, body = '', signal }: Ask = {}): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: false as const, ...(signal !== undefined && { signal }) }
    httpRequest(`${proxy?.url}${path}`, options, (answer) => {
      text(answer).then(
        (content) => resolve({ status: answer.statusCode, headers: answer.headers, body: content }),
        reject,
      )
    })
      .on('error', reject)
      .end(body)
  })
}

interface Ask {
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly signal?: AbortSignal
}

const putItem = { 'x-amz-target': 'DynamoDB_20120810.PutItem' }

describe('without a plan', () => {
  test('requests and answers pass as they are, with the Host header that was signed', async () => {
    await start({})
    const heard = await ask('POST', '/a%2Fb?list-type=2&x', {
      headers: { Host: 'bucket.example:9000' },
      body: 'content',
    })
    expect(applied).toEqual([
      { method: 'POST', url: '/a%2Fb?list-type=2&x', host: 'bucket.example:9000', body: 'content' },
    ])
    expect(heard).toMatchObject({ status: 200, headers: { 'x-served': 'yes' }, body: answerText })
  })

  test('an answer to HEAD keeps its headers', async () => {
    await start({})
    expect(await ask('HEAD', '/')).toMatchObject({ status: 200, headers: { 'x-served': 'yes' }, body: '' })
  })

  test('a client that waits to be told to continue is told, and its content arrives', async () => {
    await start({})
    await ask('PUT', '/', { headers: { Expect: '100-continue' }, body: 'content' })
    expect(applied).toMatchObject([{ body: 'content' }])
  })

  test('a server that is gone breaks the connection', async () => {
    await start({})
    await target.stop()
    await expect(ask('GET', '/')).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('a fault', () => {
  const hit = (fault: Fault) => start({ rules: [{ fault, times: 1 }] })

  test.each([
    ['reset-before', 0],
    ['reset-after', 1],
    ['drop', 1],
  ] as const)('%s breaks the connection without an answer, with %i request applied', async (fault, count) => {
    await hit(fault)
    await expect(ask('GET', '/')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(applied).toHaveLength(count)
  })

  test.each([
    ['GET', 'in the middle of the body'],
    ['PUT', 'in the middle of the first line, where there is no body'],
  ])('cut ends the answer to a %s %s', async (method) => {
    await hit('cut')
    await expect(ask(method, '/')).rejects.toBeInstanceOf(Error)
    expect(applied).toHaveLength(1)
  })

  test.each([
    ['error-before', 0],
    ['error-after', 1],
  ] as const)('%s answers 500 as S3 and DynamoDB do, with %i request applied', async (fault, count) => {
    await start({ rules: [{ fault, times: 2 }] })
    const s3 = await ask('PUT', '/bucket/key')
    expect(s3.status).toBe(500)
    expect(s3.body).toContain('<Code>InternalError</Code>')
    expect(applied).toHaveLength(count)
    const dynamodb = await ask('POST', '/', { headers: putItem })
    expect(dynamodb.status).toBe(500)
    expect(JSON.parse(dynamodb.body).__type).toMatch(/#InternalServerError$/)
    expect(applied).toHaveLength(2 * count)
  })

  test('throttle answers as S3 and DynamoDB do, and nothing is applied', async () => {
    await start({ rules: [{ fault: 'throttle' }] })
    const s3 = await ask('PUT', '/bucket/key')
    expect(s3.status).toBe(503)
    expect(s3.body).toContain('<Code>SlowDown</Code>')
    const dynamodb = await ask('POST', '/', { headers: putItem })
    expect(dynamodb.status).toBe(400)
    expect(dynamodb.headers['x-amzn-errortype']).toMatch(/#ProvisionedThroughputExceededException$/)
    expect(applied).toEqual([])
  })

  test('delay holds a request back, and answers it', async () => {
    await start({ rules: [{ fault: 'delay' }] }, 30)
    const began = performance.now()
    expect(await ask('GET', '/')).toMatchObject({ status: 200, body: answerText })
    expect(performance.now() - began).toBeGreaterThan(25)
  })

  test('delay lets a request through that its sender has given up', async () => {
    await start({ rules: [{ fault: 'delay' }] }, 100)
    const late = new Promise<void>((resolve) => {
      onApplied = resolve
    })
    await expect(ask('PUT', '/', { signal: AbortSignal.timeout(20) })).rejects.toThrow()
    expect(applied).toEqual([])
    await late
    expect(applied).toHaveLength(1)
  })
})

describe('a plan', () => {
  test('hits by method, path and operation, and leaves the others alone', async () => {
    const { counts } = await start({
      rules: [
        { fault: 'throttle', operation: 'PutItem' },
        { fault: 'error-before', method: 'PUT', path: /\/log\// },
      ],
    })
    expect((await ask('PUT', '/bucket/log/1')).status).toBe(500)
    expect((await ask('GET', '/bucket/log/1')).status).toBe(200)
    expect((await ask('PUT', '/bucket/blobs/1')).status).toBe(200)
    expect((await ask('POST', '/', { headers: putItem })).status).toBe(400)
    expect((await ask('POST', '/', { headers: { 'x-amz-target': 'DynamoDB_20120810.GetItem' } })).status).toBe(200)
    expect(counts).toMatchObject({ requests: 5, injected: { throttle: 1, 'error-before': 1, drop: 0 } })
  })

  test('hits after some have passed, and no more often than it may', async () => {
    await start({ rules: [{ fault: 'error-before', after: 1, times: 2 }] })
    const heard: Array<number | undefined> = []
    for (let i = 0; i < 4; i++) heard.push((await ask('GET', '/')).status)
    expect(heard).toEqual([200, 500, 500, 200])
  })

  test('is replaced while the proxy runs', async () => {
    const { follow } = await start({ rules: [{ fault: 'error-before' }] })
    expect((await ask('GET', '/')).status).toBe(500)
    follow({})
    expect((await ask('GET', '/')).status).toBe(200)
  })

  test('a seed decides what chance does', async () => {
    const rates = { 'error-before': 0.3, throttle: 0.2 }
    const outcome = async (seed: number): Promise<string> => {
      proxy = await startFaultProxy({ target: target.url, seed, rates })
      const heard: unknown[] = []
      for (let i = 0; i < 40; i++) heard.push((await ask('GET', '/')).status)
      await proxy.stop()
      return heard.join(' ')
    }
    const first = await outcome(1)
    expect(new Set(first.split(' '))).toEqual(new Set(['200', '500', '503']))
    expect(await outcome(1)).toBe(first)
    expect(await outcome(2)).not.toBe(first)
  })

  test('can hit every request with any one fault', async () => {
    for (const fault of faults) {
      proxy = await startFaultProxy({ target: target.url, rates: { [fault]: 1 } })
      await ask('GET', '/').catch(() => undefined)
      expect(proxy.counts.injected[fault]).toBe(1)
      await proxy.stop()
    }
  })
})

test('stopping waits for what the server still works on', async () => {
  const { stop } = await start({ rules: [{ fault: 'delay' }] }, 50)
  const asked = ask('PUT', '/').catch(() => undefined)
  // The proxy has the request once it is counted.
  await expect.poll(() => proxy?.counts.requests).toBe(1)
  await stop()
  expect(applied).toHaveLength(1)
  await asked
})
