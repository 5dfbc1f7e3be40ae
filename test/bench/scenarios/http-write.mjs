/** Creates of 1 KB over HTTP from many connections, each durable when it is answered. */
import { args, idOf, patient, say } from './common.mjs'
import { measured, requestOf } from './http-load.mjs'
import { startServer } from './http-server.mjs'

const { subject, folder, perSecond, ...how } = args
const server = await startServer(subject, folder)
let count = 0
const next = () => requestOf('POST', '/fhir/Patient', patient(idOf(count), count++))
// The table takes one write a sync: those who come steadily would wait without end.
const metrics = await measured(server, { ...how, next, ...(subject === 'sqlite' ? undefined : { perSecond }) })
await server.stop()
say(metrics)
