/** Transaction Bundles of 1 KB resources with links between them over HTTP, one after another. */
import { args, say } from './common.mjs'
import { measured, requestOf } from './http-load.mjs'
import { startServer } from './http-server.mjs'
import { bundleOf } from './made-bundle.mjs'

const { subject, folder, entries, ...how } = args
const server = await startServer(subject, folder)
let count = 0
const next = () => requestOf('POST', '/fhir', bundleOf(entries, entries * count++))
const metrics = await measured(server, { ...how, connections: 1, next })
await server.stop()
say(metrics)
