/** Reads over HTTP of the current version of random resources out of 5,000 of 1 KB, which the server's cache holds, from many connections. */
import { args, idOf, patient, places, say } from './common.mjs'
import { measured, requestOf, send } from './http-load.mjs'
import { startServer } from './http-server.mjs'

const { subject, folder, ...how } = args
const resources = 5_000
const server = await startServer(subject, folder)
const all = Array.from({ length: resources }, (_, i) => idOf(i))
await send(
  server.port,
  all.map((id, i) => requestOf('PUT', `/fhir/Patient/${id}`, patient(id, i))),
)
// Everything has been seen once.
const requests = all.map((id) => requestOf('GET', `/fhir/Patient/${id}`))
await send(server.port, requests)
const place = places(resources)
const metrics = await measured(server, { ...how, next: () => requests[place()] })
await server.stop()
say(metrics)
