/**
 * Exports whose processes are killed at random, while others write: whoever goes on has to come to the state at the snapshot, with
 * the same bytes as an export that nobody disturbed.
 */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExportJob, type Limits, openStore, type Tenant } from '../../src/index.js'
import { type KillReport, killing } from './killing.js'
import { type Random, seeded } from './random.js'

/** Parts and checkpoints that are so small that a second is full of them. */
export const bounds: Partial<Limits> = {
  exportPartBytes: 2_000,
  exportBufferBytes: 6_000,
  exportCheckpointBytes: 1_000_000,
  exportLeaseMs: 600,
}

export interface TortureExports {
  readonly seed: number
  readonly kills: number
}

export interface ExportTortureReport extends KillReport {
  exports: number
  parts: number
  resources: number
}

const commits = 700
const killsPerExport = 6
/** One has the export, the other follows. */
const width = 2

export async function tortureExports({ seed, kills }: TortureExports): Promise<ExportTortureReport> {
  const random = seeded(seed)
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-torture-exports-'))
  const url = `file:${join(root, 'store')}`
  const store = await openStore(url, { limits: bounds })
  const tenant = await store.tenant('exported')
  const report: ExportTortureReport = { kills: 0, exports: 0, early: 0, parts: 0, resources: 0, problems: [] }
  for (let n = 0; n < commits; n++) await write(tenant, random)
  const writing = new AbortController()
  const writer = (async () => {
    while (!writing.signal.aborted) {
      await write(tenant, random)
      await sleep(random.below(30))
    }
  })()
  try {
    while (report.kills < kills && report.problems.length === 0) {
      const id = `job-${++report.exports}`
      const { at: until } = await tenant.head()
      const most = Math.min(kills, report.kills + killsPerExport)
      const argv = [url, id, until]
      await killing({ program: 'exporter.ts', argv, written: 'part-', width, random, report, kills: most })
      await judge(tenant, id, until, report)
    }
  } finally {
    writing.abort()
    await writer
    await store.close()
    if (report.problems.length === 0) fs.rmSync(root, { recursive: true, force: true })
    else report.problems.push(`the store is in ${root}`)
  }
  return report
}

/** One or several changes in a commit. */
async function write(tenant: Tenant, random: Random): Promise<void> {
  const ids = new Set(Array.from({ length: 1 + random.below(4) }, () => `r${random.below(900)}`))
  await tenant.transact(
    [...ids].map((id) => {
      const type = random.chance(0.3) ? 'Patient' : 'Basic'
      if (random.chance(0.15)) return { op: 'delete' as const, type, id }
      const text = 'x'.repeat(random.below(400))
      const body = `{"resourceType":"${type}","n":${random.below(1000)}.0,"text":"${text}"}`
      return { op: 'update' as const, type, id, body }
    }),
  )
}

/** Brings it to its end, and holds it against the log and against an export that nobody has disturbed. */
async function judge(tenant: Tenant, id: string, until: string, report: ExportTortureReport): Promise<void> {
  const { problems } = report
  const tortured = await filesOf(tenant, await tenant.export({ id, until }))
  const calm = await filesOf(tenant, await tenant.export({ until }))
  if (JSON.stringify([...tortured]) !== JSON.stringify([...calm])) problems.push(`${id}: it differs from a calm one`)
  const expected = new Map<string, string>()
  for await (const { at, transactions } of tenant.commits())
    if (at <= until)
      for (const { events } of transactions)
        for (const { type, id, deleted, text } of events)
          if (deleted) expected.delete(`${type}/${id}`)
          else expected.set(`${type}/${id}`, text())
  const lines = [...tortured.values()].flatMap((text) => text.split('\n').slice(0, -1))
  const wanted = [...expected.values()]
  if (JSON.stringify(lines.sort()) !== JSON.stringify(wanted.sort()))
    problems.push(`${id}: ${lines.length} resources are there, ${wanted.length} were at ${until}`)
  report.parts += tortured.size
  report.resources += lines.length
  for (const each of await tenant.exports.list()) await tenant.exports.cancel(each.id)
}

async function filesOf(tenant: Tenant, job: ExportJob): Promise<Map<string, string>> {
  const { parts } = await job.done()
  const files = new Map<string, string>()
  for (const { name } of parts) files.set(name, Buffer.from(await tenant.exports.read(job.id, name)).toString())
  return files
}
