/** The floor of a server: Fastify that reads a body whole and answers as many bytes, which it keeps nowhere. */
import Fastify from 'fastify'
import { patient } from '../scenarios/common.mjs'

const app = Fastify({ bodyLimit: 64 * 1024 * 1024 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
const type = 'application/fhir+json; charset=utf-8'
const resource = Buffer.from(patient('floor'))

app.get('/fhir/:type/:id', (_, reply) => reply.header('content-type', type).send(resource))
for (const [method, url] of [
  ['POST', '/fhir'],
  ['POST', '/fhir/:type'],
  ['PUT', '/fhir/:type/:id'],
])
  app.route({ method, url, handler: ({ body }, reply) => reply.header('content-type', type).send(body) })

process.stdout.write(`${JSON.stringify({ url: await app.listen({ host: '127.0.0.1', port: 0 }) })}\n`)
