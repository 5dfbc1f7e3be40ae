/** The cache of servers: each release is obtained once, and moved to its place when it is whole. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { catalog, type ServerName } from './catalog.js'
import { run, works } from './run.js'

/** How often a long wait is told, in milliseconds. */
const tellMs = 30_000

export const cacheFolder = (): string =>
  process.env.ANNALS_SERVERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'annals', 'servers')

export const folderOf = (name: ServerName): string => join(cacheFolder(), catalog[name].release)

const isObtained = (name: ServerName): boolean => existsSync(join(folderOf(name), catalog[name].program))

/** What the machine lacks for a server, as a sentence; `undefined` when it can be started or obtained. */
export function missingFor(name: ServerName): string | undefined {
  const { needs } = catalog[name]
  if (needs === undefined || (needs.onlyToObtain && isObtained(name)) || works(needs.command, needs.probe))
    return undefined
  return `${name} needs '${needs.command}': install ${needs.install}`
}

export async function obtain(name: ServerName, say: (text: string) => void): Promise<string> {
  const cache = cacheFolder()
  const folder = folderOf(name)
  const { release } = catalog[name]
  if (isObtained(name)) return folder
  mkdirSync(cache, { recursive: true })
  say(`obtaining ${release} (once; this may take minutes)`)
  const started = performance.now()
  const elapsed = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`
  const telling = setInterval(() => say(`still obtaining ${release} (${elapsed()})`), tellMs)
  const place = mkdtempSync(join(cache, `${name}-`))
  try {
    await catalog[name].obtain(place, run)
    renameSync(place, folder)
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    // Another process may have been faster.
    if (!isObtained(name)) throw error
  } finally {
    clearInterval(telling)
  }
  say(`obtained ${release} in ${elapsed()}`)
  return folder
}
