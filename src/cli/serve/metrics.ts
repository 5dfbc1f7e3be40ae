/** `/metrics` of the process, at a port of its own where one is given: what is not there cannot be reached by way of a proxy. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics } from 'prom-client'
import { listening, originOf } from './listening.js'
import type { ServeSettings } from './settings.js'

type Place = Pick<ServeSettings, 'metricsPort' | 'metricsHost'>

export interface MetricsServer {
  readonly url: string
  close(): void
}

/** With those of the process, which is this server's alone. `undefined`: they are at no port of their own. */
export async function serveMetrics({ metrics }: FastifyInstance, place: Place): Promise<MetricsServer | undefined> {
  collectDefaultMetrics({ register: metrics })
  const { metricsPort: port, metricsHost: host } = place
  if (port === undefined) return undefined
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.metrics())
  })
  await listening({ host, port }, async () => {
    server.listen(port, host)
    await once(server, 'listening')
  })
  return {
    url: `${originOf(server.address() as AddressInfo)}/metrics`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
