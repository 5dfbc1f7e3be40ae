/** `annals serve`: a FHIR server over the store, until it is stopped. */
import { type AddressInfo, isIP } from 'node:net'
import { usage } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeSession, withStore } from '../session.js'
import { settingsOf, wholeNumber } from '../settings.js'

interface Flags {
  readonly port: number
  readonly host: string
  readonly baseUrl?: string
  readonly manyTenants?: boolean
  readonly insecure?: boolean
}

const examples = `  annals serve                                    http://127.0.0.1:8080/fhir, for programs of this machine
  annals serve --port 9090 --tenant clinic
  annals serve --many-tenants                     the others, too, at /tenants/{name}/fhir
  annals serve --host 0.0.0.0 --insecure --base-url https://fhir.example.org

Nobody is asked who they are: without --insecure it listens for this machine only. Whoever opens it to others puts a proxy before it
that does. Ctrl-C or SIGTERM ends it when what is under way is answered.`

const defaultPort = 8_080

export const addServe: AddCommand = (make, surroundings) => {
  make('serve', 'Serve FHIR R4 over HTTP', examples)
    .option('--port <n>', 'the port (0: any that is free)', wholeNumber('--port', 0, 65_535), defaultPort)
    .option('--host <address>', 'the address to listen at', '127.0.0.1')
    .option('--base-url <url>', 'how clients reach it (default: as they say themselves)')
    .option('--many-tenants', 'serve every tenant that exists')
    .option('--insecure', 'listen for other machines, though nobody is asked who they are')
    .action(async (flags: Flags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      checkFlags(flags)
      await withStore(session, { create: true }, async (store) => {
        const { name: tenant } = await store.tenant(session.tenant, { kind: 'fhir' })
        // No other command waits for what only this one needs.
        const { fhirServer } = await import('../../http/index.js')
        const app = await fhirServer(store, {
          tenant,
          manyTenants: flags.manyTenants === true,
          ...(flags.baseUrl === undefined ? undefined : { baseUrl: flags.baseUrl.replace(/\/+$/, '') }),
        })
        try {
          await app.listen({ host: flags.host, port: flags.port })
          const { address, family, port } = app.server.address() as AddressInfo
          const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/fhir`
          await session.out.line(
            session.json ? JSON.stringify({ url, tenant }) : `listening at ${url}, tenant '${tenant}'`,
          )
          await session.out.flush()
          await aborted(session.signal)
        } finally {
          await app.close()
        }
      })
    })
}

function checkFlags({ host, baseUrl, insecure }: Flags): void {
  const isLocal = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (!isLocal && insecure !== true)
    throw usage(
      `'${host.slice(0, 64)}' is for other machines, too, and nobody is asked who they are: say --insecure if that is meant`,
    )
  if (baseUrl !== undefined && !/^https?:\/\/[^\s?#]+$/.test(baseUrl))
    throw usage('--base-url is a URL without a query, such as https://fhir.example.org')
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
