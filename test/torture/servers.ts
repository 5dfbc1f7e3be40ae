/** FHIR servers as writers: `annals serve` as a process of its own that is killed, with clients that live in this one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { annals } from '../program.js'
import type { Ledger } from './ledger.js'
import { ask, checkVisible, inOrder } from './over-http.js'
import { tenantName } from './place.js'
import { seeded } from './random.js'
import type { Answer } from './reports.js'
import { makeRequest, type Request } from './wish.js'
import { stages, type Writer } from './writers.js'

const clients = 6

export function startServer(name: string, url: string, seed: number, ledger: Ledger): Writer {
  const child = startProcess(url)
  const { stage, enter, reached } = stages()
  const given: Request[] = []
  const open = new Set<string>()
  let complaint = ''
  child.stderr?.on('data', (chunk) => {
    complaint += chunk
  })
  const closed = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      // Before it listens for requests it does not listen for signals either.
      const isOwn = signal === null ? code !== 0 : signal !== 'SIGKILL' && stage() === 'writing'
      if (isOwn) ledger.wrong.push(`${name} ended with ${code ?? signal}: ${complaint}`)
      resolve()
    })
  })
  const working = Promise.race([baseOf(child), closed]).then((base) => {
    if (base === undefined) return
    enter('opening')
    enter('writing')
    return Promise.all(makeClients({ name, seed, base, child, ledger, given, open }))
  })
  const ended = Promise.all([working, closed]).then(() => undefined)
  return {
    name,
    process: child,
    signals: ['SIGTERM', 'SIGKILL'],
    get stage() {
      return stage()
    },
    open,
    ended,
    reached: (stage) => Promise.race([reached(stage), ended]),
    ask: (requests) => void given.push(...requests),
  }
}

function startProcess(url: string): ChildProcess {
  const flags = ['--port', '0', '--store', url, '--tenant', tenantName, '--json', '--log-level', 'warn']
  return spawn(process.execPath, [annals(), 'serve', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Where it listens, as soon as it does. */
const baseOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) resolve(JSON.parse(line).url)
    })
  })

interface Work {
  readonly name: string
  readonly seed: number
  readonly base: string
  readonly child: ChildProcess
  readonly ledger: Ledger
  readonly given: Request[]
  readonly open: Set<string>
}

function makeClients({ name, seed, base, child, ledger, given, open }: Work): Promise<void>[] {
  const random = seeded(seed)
  const known = new Map<string, number>()
  let count = 0

  async function carryOut(request: Request): Promise<void> {
    ledger.note(name, { kind: 'begun', request })
    open.add(request.key)
    const answer = await ask(base, request)
    open.delete(request.key)
    if (answer === undefined) {
      for (const { id } of request.wishes) if (id !== undefined) known.delete(id)
      return ledger.note(name, { kind: 'rejected', key: request.key })
    }
    ledger.note(name, { kind: 'done', key: request.key, answer })
    remember(answer)
    if (random.chance(0.1)) await checkVisible(base, answer)
  }

  const remember = ({ results }: Answer): void => {
    for (const { id, version, changed } of results)
      if (changed) known.set(id, version)
      else known.delete(id)
  }

  async function client(): Promise<void> {
    for (;;) {
      const request = given.shift() ?? inOrder(makeRequest(`${name}.${++count}`, random, known))
      try {
        await carryOut(request)
      } catch (error) {
        // Whose server was killed hears no more.
        if (!child.killed) ledger.note(name, { kind: 'wrong', problem: `${request.key}: ${error}` })
        return
      }
    }
  }

  return Array.from({ length: clients }, client)
}
