/** Whatever clients do, mixed, over HTTP for minutes from many connections, and the memory of the server meanwhile. */
import { args, idOf, patient, places, say } from './common.mjs'
import { load, requestOf, send } from './http-load.mjs'
import { startServer } from './http-server.mjs'
import { bundleOf } from './made-bundle.mjs'
import { memoryOf } from './memory.mjs'

const { subject, folder, connections, minutes } = args
const everyMs = 1_000
const known = 5_000
const system = 'urn:oid:1.2.36.146.595.217.0.1'
const server = await startServer(subject, folder)
let fresh = known

const put = (id, n) => requestOf('PUT', `/fhir/Patient/${id}`, patient(id, n))
const patch = Buffer.from('[{"op":"replace","path":"/active","value":false}]')
const path = (i) => `/fhir/Patient/${idOf(i)}`

const freshBundle = (entries) => {
  fresh += entries
  return bundleOf(entries, fresh - entries)
}

/** Each with its share in a hundred. */
const mix = [
  [35, (i) => requestOf('GET', path(i))],
  [30, () => requestOf('POST', '/fhir/Patient', patient('new', fresh++))],
  [12, (i) => put(idOf(i), i)],
  [4, (i) => requestOf('GET', `${path(i)}/_history?_count=5`)],
  [1, () => requestOf('GET', '/fhir/Patient/_history?_count=10')],
  [5, (i) => requestOf('GET', `/fhir/Patient?identifier=${system}%7C${i}`)],
  [3, (i) => requestOf('POST', '/fhir/Patient', patient('new', i), { 'if-none-exist': `identifier=${system}|${i}` })],
  [4, (i) => requestOf('PATCH', path(i), patch, { 'content-type': 'application/json-patch+json' })],
  [2, (i) => put(`brief-${i}`, known + i)],
  [2, (i) => requestOf('DELETE', `/fhir/Patient/brief-${i}`)],
  [2, () => requestOf('POST', '/fhir', freshBundle(10))],
]
const deck = mix.flatMap(([share, make]) => Array.from({ length: share }, () => make))
const place = places(known * deck.length)
const next = () => {
  const drawn = place()
  return deck[drawn % deck.length](Math.floor(drawn / deck.length))
}

await send(
  server.port,
  Array.from({ length: known }, (_, i) => put(idOf(i), i)),
)
const began = performance.now()
const samples = []
const sampling = setInterval(() => {
  samples.push({ minute: (performance.now() - began) / 60_000, ...memoryOf(server.pid) })
}, everyMs)
const { rate, latencies } = await load(server.port, { connections, seconds: minutes * 60, next })
clearInterval(sampling)
await server.stop()

const own = (from, to) => median(samples.filter(({ minute }) => minute >= from && minute < to).map(({ own }) => own))
const warm = Math.min(1, minutes / 4)
say({
  rate,
  p50: latencies.percentile(50) / 1000,
  p99: latencies.percentile(99) / 1000,
  first: own(warm, 2 * warm),
  last: own(minutes - warm, minutes),
  peak: Math.max(...samples.map(({ own }) => own)),
  growth: slopeOf(samples.filter(({ minute }) => minute >= minutes / 2)),
})

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1]
}

/** MiB a minute, by least squares. */
function slopeOf(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [minute, own] = [mean((point) => point.minute), mean((point) => point.own)]
  const covariance = mean((point) => (point.minute - minute) * (point.own - own))
  return covariance / mean((point) => (point.minute - minute) ** 2)
}
