/**
 * Load on an HTTP server from many kept connections, each with one request at a time. It costs little by itself, because it shares the
 * processors with the server that is measured: of an answer nothing is read but its status and its length.
 */
import net from 'node:net'
import { createHistogram } from 'node:perf_hooks'

/** The bytes of a request. */
export function requestOf(method, path, body, headers = {}) {
  const said = body === undefined ? headers : { 'content-type': 'application/fhir+json', ...headers }
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries({ host: 'localhost', ...said, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), Buffer.from(body ?? '')])
}

/**
 * The figures of a server under load, once it is warm: as much as so many connections ask for, and, with `perSecond`, what those wait
 * who come at a steady rate.
 */
export async function measured(server, { connections, warmUp, seconds, perSecond, next }) {
  await load(server.port, { connections, seconds: warmUp, next })
  const before = server.cpu()
  const { answered, rate, latencies } = await load(server.port, { connections, seconds, next })
  const cpu = (server.cpu() - before) / answered
  const [p50, p99, longest] = [50, 99, 100].map((share) => latencies.percentile(share) / 1000)
  const metrics = { rate, p50, p99, longest, cpu }
  if (perSecond === undefined) return metrics
  const steady = await load(server.port, { connections, seconds, perSecond, next })
  return { ...metrics, due99: steady.latencies.percentile(99) / 1000 }
}

/** Each request once. */
export async function send(port, requests) {
  let count = 0
  await load(port, { connections: 64, seconds: Number.POSITIVE_INFINITY, next: () => requests[count++] })
}

/**
 * `next` makes the requests; where it makes none, the load ends. Without `perSecond` each connection asks again as soon as it is answered.
 * With it, requests are due at a steady rate whatever has been answered, and their time counts from when they were due: who slows down
 * those who ask does not look better for it (coordinated omission).
 */
export async function load(port, { connections, seconds, perSecond, next }) {
  const latencies = createHistogram()
  const clients = await Promise.all(Array.from({ length: connections }, () => connect(port)))
  const began = performance.now()
  const end = began + seconds * 1000
  const due = perSecond === undefined ? () => performance.now() : dueTimes(began, end, perSecond)
  let answered = 0
  const asking = async (client) => {
    for (;;) {
      const at = await due()
      const request = at < end ? next() : undefined
      if (request === undefined) return
      await client.ask(request)
      latencies.record(Math.max(1, Math.round((performance.now() - at) * 1000)))
      answered++
    }
  }
  await Promise.all(clients.map(asking))
  const taken = (performance.now() - began) / 1000
  for (const client of clients) client.end()
  return { answered, rate: answered / taken, latencies }
}

/** Hands out the instants at which requests are due, each when it has come. */
function dueTimes(began, end, perSecond) {
  const waiting = []
  let count = 0
  const nextAt = () => began + (count * 1000) / perSecond
  const take = () => {
    const at = nextAt()
    count++
    return at
  }
  const ticking = setInterval(() => {
    while (waiting.length > 0 && nextAt() <= Math.min(end, performance.now())) waiting.shift()(take())
    if (nextAt() < end) return
    clearInterval(ticking)
    for (const resolve of waiting) resolve(end)
  }, 1)
  return async () =>
    nextAt() <= performance.now() || nextAt() >= end ? take() : new Promise((resolve) => waiting.push(resolve))
}

const headEnd = Buffer.from('\r\n\r\n')

/** An answer that is no success is a failure of the run. */
async function connect(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  let waiting
  let received
  const whenAnswered = () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
    })
  socket.on('connect', () => waiting.resolve())
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('the server closed a connection')))
  socket.on('data', (chunk) => {
    received = received === undefined ? chunk : Buffer.concat([received, chunk])
    const status = statusOf(received)
    if (status === undefined) return
    if (status >= 200 && status < 300) waiting.resolve()
    else waiting.reject(new Error(`an answer was ${received}`))
    received = undefined
  })
  await whenAnswered()
  return {
    ask(request) {
      socket.write(request)
      return whenAnswered()
    },
    end: () => socket.destroy(),
  }
}

/** `undefined` while there is more of the answer to come. */
function statusOf(answer) {
  const end = answer.indexOf(headEnd)
  if (end < 0) return undefined
  const head = answer.latin1Slice(0, end)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined && status !== 204) throw new Error(`an answer does not say its length: ${head}`)
  return answer.length < end + headEnd.length + Number(length ?? 0) ? undefined : status
}
