/** Starts any of the servers side by side, and stops them again. */
import type { ServerName } from './catalog.js'
import { launch, type Running } from './launch.js'

export type Endpoints = { readonly [N in ServerName]?: string }

export interface Servers {
  readonly endpoints: Endpoints
  stop(): Promise<void>
}

export async function startServers(
  names: ReadonlyArray<ServerName>,
  say: (text: string) => void = () => undefined,
): Promise<Servers> {
  const running: Running[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()))
  }
  const started = await Promise.allSettled(
    names.map(async (name) => {
      const server = await launch(name, say)
      running.push(server)
    }),
  )
  const failed = started.find((each) => each.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  return { endpoints: Object.fromEntries(running.map(({ name, url }) => [name, url])), stop }
}
