/**
 * Hand-over: several processes share the projections of all tenants under load, and are killed or stopped for a while at
 * random. Others have to go on with their work as soon as their leases end, and nothing may be missing or doubled.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore, type Store, type Tenant } from '../../src/index.js'
import { program } from '../program.js'
import { type Page, pagesOf } from './page-chain.js'
import { type Random, seeded } from './random.js'
import { stopSignal } from './stop-signal.js'

export const leaseMs = 1_500
const tenantCount = 6
const workerCount = 3
const source = new URL('./projector.ts', import.meta.url)

export interface HandoverOptions {
  readonly seed: number
  /** Processes that are killed, one after the other. */
  readonly kills: number
}

export interface Handovers {
  kills: number
  /** Processes that were stopped for longer than their leases, and then went on as zombies. */
  zombies: number
  /** From a kill to the first page that another process wrote for a tenant whose last page was the dead one's, in milliseconds. */
  readonly tookMs: number[]
  events: number
  readonly problems: string[]
}

interface WorkerProcess {
  readonly name: string
  readonly process: ChildProcess
  readonly working: Promise<void>
  readonly ended: Promise<void>
}

export async function handover({ seed, kills }: HandoverOptions): Promise<Handovers> {
  const random = seeded(seed)
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-handover-'))
  const [url, diaries] = [`file:${join(root, 'store')}`, join(root, 'diaries')]
  const store = await openStore(url)
  const names = Array.from({ length: tenantCount }, (_, i) => `tenant-${i}`)
  const tenants = await Promise.all(names.map((name) => store.tenant(name, { kind: 'json' })))
  const found: Handovers = { kills: 0, zombies: 0, tookMs: [], events: 0, problems: [] }
  const loading = new AbortController()
  const load = Promise.all(tenants.map((tenant) => write(tenant, random, loading.signal)))
  const start = (): WorkerProcess => startWorker(url, diaries, found)
  const workers = Array.from({ length: workerCount }, start)
  try {
    await Promise.all(workers.map(({ working }) => working))
    while (found.kills < kills) await disturb({ workers, start, random, diaries, names, found })
  } finally {
    loading.abort()
    await load
  }
  try {
    await judge(store, tenants, diaries, found)
  } finally {
    for (const { process } of workers) process.kill('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
    await store.close()
    if (found.problems.length === 0) fs.rmSync(root, { recursive: true, force: true })
    else found.problems.push(`the store is in ${root}`)
  }
  return found
}

interface Scene {
  readonly workers: WorkerProcess[]
  readonly start: () => WorkerProcess
  readonly random: Random
  readonly diaries: string
  readonly names: ReadonlyArray<string>
  readonly found: Handovers
}

/** Kills one, sees what it held taken over, and starts another in its place. Every third is stopped first, to be a zombie. */
async function disturb({ workers, start, random, diaries, names, found }: Scene): Promise<void> {
  await sleep(random.below(leaseMs))
  const at = random.below(workers.length)
  const victim = workers[at] as WorkerProcess
  const lastPages = new Map(names.map((name) => [name, lastPage(diaries, name)]))
  const isZombie = found.kills % 3 === 2
  victim.process.kill(isZombie ? stopSignal : 'SIGKILL')
  const killedAt = Date.now()
  const orphans = names.filter((name) => lastPages.get(name)?.by === victim.name)
  const tookOver = await Promise.all(orphans.map((name) => firstPageOfAnother(diaries, name, victim.name, killedAt)))
  found.tookMs.push(...tookOver.map((at) => at - killedAt))
  found.kills++
  if (isZombie) {
    found.zombies++
    victim.process.kill('SIGCONT')
    // It finds that others have its work, and goes on with what it gets.
    await sleep(random.below(leaseMs))
    victim.process.kill('SIGKILL')
  }
  await victim.ended
  workers[at] = start()
  await workers[at]?.working
}

const lastPage = (diaries: string, tenant: string): Page | undefined => pagesOf(join(diaries, tenant)).at(-1)

/** Longer than any hand-over could be right. */
const patienceMs = 20 * leaseMs

async function firstPageOfAnother(diaries: string, tenant: string, victim: string, since: number): Promise<number> {
  let pages = pagesOf(join(diaries, tenant))
  while (Date.now() < since + patienceMs) {
    const page = pages.find(({ by, at }) => by !== victim && at >= since)
    if (page !== undefined) return page.at
    await sleep(5)
    pages = pagesOf(join(diaries, tenant), pages)
  }
  return Number.POSITIVE_INFINITY
}

let started = 0

function startWorker(url: string, diaries: string, found: Handovers): WorkerProcess {
  const name = `p${++started}`
  const child = spawn(process.execPath, [program(source), url, diaries, name], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const ended = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') found.problems.push(`${name} ended with ${code ?? signal}: ${complaint}`)
      resolve()
    })
  })
  const working = Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), ended])
  return { name, process: child, working, ended }
}

/** Writes to a tenant all the time, so that whoever has its projections has something to do. */
async function write(tenant: Tenant, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const id = `n${random.below(40)}`
    if (random.chance(0.2)) await tenant.delete('Note', id)
    else await tenant.update('Note', id, `{"n":${random.below(1_000)}}`)
    await sleep(random.below(40))
  }
}

/** All is caught up, verified, and written down once. */
async function judge(store: Store, tenants: ReadonlyArray<Tenant>, diaries: string, found: Handovers): Promise<void> {
  const { problems } = found
  for (const tenant of tenants) {
    const { name } = tenant
    const { seq } = await tenant.head()
    for (const projection of ['current-index', 'objects', 'diary'])
      await tenant.whenProjected(projection, { partition: 0, seq, index: 0 }, { timeoutMs: patienceMs })
    await store.verify(name, {
      deep: true,
      onDifference: ({ kind, key, problem }) => problems.push(`${name}: ${kind} ${key}: ${problem}`),
    })
    const written: string[] = []
    for await (const { transactions } of tenant.commits({ bodies: false }))
      for (const { events } of transactions)
        for (const { position, type, id, version } of events)
          written.push(`${position.seq}-${position.index} ${type}/${id}@${version}`)
    const told = pagesOf(join(diaries, name)).flatMap(({ events }) => events)
    if (told.join() !== written.join())
      problems.push(`${name}: the diary holds ${told.length} events, the log ${written.length}`)
    found.events += written.length
  }
}
