/** Starts one server on a free port and waits until it serves. */
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { catalog, type ServerName } from './catalog.js'
import { obtain } from './obtain.js'

export interface Running {
  readonly name: ServerName
  readonly url: string
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

/** How long a server may take until it serves, and between two looks, in milliseconds. */
const startMs = 60_000
const lookMs = 50
/** How often a server is started that ends at once: somebody else may have taken its port. */
const maxTries = 3
/** What a server that did not come up is quoted with, in characters. */
const lastWords = 2_000

const supervisor = fileURLToPath(new URL('supervise.mjs', import.meta.url))

export async function launch(name: ServerName, say: (text: string) => void): Promise<Running> {
  const folder = await obtain(name, say)
  for (let tries = 1; ; tries++) {
    const started = await start(name, folder)
    if (!('failure' in started)) return started
    if (!started.ended || tries === maxTries)
      throw new Error(
        `${catalog[name].release} ${started.ended ? 'ended' : 'did not serve in time'}: ${started.failure}`,
      )
  }
}

async function start(name: ServerName, folder: string): Promise<Running | { failure: string; ended: boolean }> {
  const port = await freePort()
  const data = mkdtempSync(join(tmpdir(), `annals-${name}-`))
  const { file, args, env = {} } = catalog[name].command(folder, port, data)
  const child = spawn(process.execPath, [supervisor, data, file, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-lastWords)
    })
  // A supervisor that has ended does not listen any more.
  child.stdin.on('error', () => undefined)
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const stop = (): Promise<void> => {
    child.stdin.end()
    return exited
  }
  const url = `http://127.0.0.1:${port}`
  for (const began = performance.now(); !(await serves(`${url}${catalog[name].health}`)); await sleep(lookMs)) {
    const ended = child.exitCode !== null || child.signalCode !== null
    if (!ended && performance.now() - began < startMs) continue
    await stop()
    return { failure: said.trim(), ended }
  }
  return { name, url, stop }
}

async function serves(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(startMs) })).status < 500
  } catch {
    return false
  }
}

/** Free a moment ago: whoever else asks the system for one is given another. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
