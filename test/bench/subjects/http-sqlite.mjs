/** The least that keeps resources behind HTTP: Fastify over a table in SQLite, which knows no versions but their numbers. Its folder is its argument. */
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { open } from './sqlite.mjs'

const store = await open({ folder: process.argv[2] })
const current = store.database.prepare(
  'select body from events where type = ? and id = ? order by version desc limit 1',
)
const app = Fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
const type = 'application/fhir+json; charset=utf-8'

app.get('/fhir/:type/:id', ({ params }, reply) =>
  reply.header('content-type', type).send(current.get(params.type, params.id).body),
)
const write = async (id, status, request, reply) => {
  const body = JSON.stringify({ ...JSON.parse(request.body), id })
  await store.write(id, body)
  return reply.code(status).header('content-type', type).send(body)
}
app.post('/fhir/:type', (request, reply) => write(randomUUID(), 201, request, reply))
app.put('/fhir/:type/:id', (request, reply) => write(request.params.id, 200, request, reply))

process.stdout.write(`${JSON.stringify({ url: await app.listen({ host: '127.0.0.1', port: 0 }) })}\n`)
