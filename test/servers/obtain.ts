/** The cache of servers: each release is obtained once, and moved to its place when it is whole. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { catalog, type ServerName } from './catalog.js'
import { findTool, run } from './run.js'

export const cacheFolder = (): string =>
  process.env.ANNALS_SERVERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'annals', 'servers')

export const folderOf = (name: ServerName): string => join(cacheFolder(), catalog[name].release)

const isObtained = (name: ServerName): boolean => existsSync(join(folderOf(name), catalog[name].program))

/** What the machine lacks for these servers, as sentences; empty when they can be started or obtained. */
export function missingFor(names: ReadonlyArray<ServerName>): string[] {
  return names.flatMap((name) => {
    const { needs } = catalog[name]
    // What is compiled is needed once; Java and Python are needed to run.
    const needed = name === 'minio' && isObtained(name) ? [] : needs
    return needed.flatMap(({ command, install }) =>
      findTool(command) === undefined ? [`${name} needs '${command}': install ${install}`] : [],
    )
  })
}

export async function obtain(name: ServerName, say: (text: string) => void): Promise<string> {
  const cache = cacheFolder()
  const folder = folderOf(name)
  if (isObtained(name)) return folder
  mkdirSync(cache, { recursive: true })
  say(`obtaining ${catalog[name].release} (once; this may take minutes)`)
  const started = performance.now()
  // A virtual environment knows its own path, so it is made where it stays; all others are moved when they are whole.
  const place = name === 'moto' ? folder : mkdtempSync(join(cache, `${name}-`))
  try {
    await catalog[name].obtain(place, run)
    if (place !== folder) renameSync(place, folder)
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    if (!isObtained(name)) throw error
  }
  say(`obtained ${catalog[name].release} in ${((performance.now() - started) / 1000).toFixed(0)} s`)
  return folder
}
