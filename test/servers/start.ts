/** Starts any of the servers side by side, and stops them again. */
import type { ServerName } from './catalog.js'
import { launch, type Running } from './launch.js'
import { missingFor } from './obtain.js'

export type Endpoints = { readonly [N in ServerName]?: string }

export interface Servers {
  /** The URL of each server that was started. */
  readonly endpoints: Endpoints
  /** Why each of the others was not. */
  readonly problems: ReadonlyArray<string>
  stop(): Promise<void>
}

export async function startServers(
  names: ReadonlyArray<ServerName>,
  say: (text: string) => void = () => undefined,
): Promise<Servers> {
  const running: Running[] = []
  const problems: string[] = []
  await Promise.all(
    names.map(async (name) => {
      try {
        const missing = missingFor(name)
        if (missing === undefined) running.push(await launch(name, say))
        else problems.push(missing)
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error))
      }
    }),
  )
  return {
    endpoints: Object.fromEntries(running.map(({ name, url }) => [name, url])),
    problems,
    stop: async () => {
      await Promise.all(running.map((server) => server.stop()))
    },
  }
}
