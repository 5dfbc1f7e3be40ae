/** Serves a store until it is told to stop: what `annals serve` does with its settings. */
import type { AddressInfo } from 'node:net'
import { fhirServer } from '../../http/index.js'
import { type Session, withStore } from '../session.js'
import { accessOf } from './access.js'
import { listening, originOf } from './listening.js'
import { logStream } from './log.js'
import { type MetricsServer, serveMetrics } from './metrics.js'
import type { ServeSettings } from './settings.js'
import { type Configured, withoutCredentials } from './sources.js'

export async function serve(session: Session, { settings, from }: Configured): Promise<void> {
  const access = await accessOf(settings)
  const opening = { create: true, sources: { allowPrivate: settings.allowPrivateSources } }
  await withStore(session, opening, async (store) => {
    const asked = { kind: 'fhir', fhirVersion: settings.fhirVersion } as const
    const { name: tenant, fhirVersion } = await store.tenant(session.tenant, asked)
    const app = await fhirServer(store, {
      ...settings,
      ...access,
      corsOrigins: settings.corsOrigins ?? [],
      trustedProxies: settings.trustedProxies ?? [],
      tenant,
      fhirVersion,
      baseUrl: settings.baseUrl?.replace(/\/+$/, ''),
      serveMetrics: settings.metricsPort === undefined,
      logger: settings.logLevel !== 'silent' && { level: settings.logLevel, stream: logStream(session.io) },
    })
    let metrics: MetricsServer | undefined
    try {
      app.log.info({ settings: printed(settings), from }, 'starts')
      metrics = await serveMetrics(app, settings)
      await listening(settings, () => app.listen({ host: settings.host, port: settings.port }))
      const url = `${originOf(app.server.address() as AddressInfo)}/fhir`
      await session.out.line(
        session.json
          ? JSON.stringify({ url, tenant, metrics: metrics?.url, settings: printed(settings), from })
          : `listening at ${url}, tenant '${tenant}'`,
      )
      await session.out.flush()
      await aborted(session.signal)
    } finally {
      await app.close()
      metrics?.close()
    }
  })
}

/** For whoever reads what it started with: no setting is a secret, but a URL may hold credentials. */
const printed = (settings: ServeSettings): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutCredentials(value) : value,
    ]),
  )

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
