/**
 * Submissions whose manifests several processes work on, which are killed at random: whoever goes on writes no line twice and loses none,
 * what is told of the lines and counted is right, and what is stopped in the midst of it is taken back whole.
 */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Limits, type OpenOptions, openStore, type SubmissionName, type Tenant } from '../../src/index.js'
import { fastClock } from './fast-clock.js'
import { type KillReport, killing } from './killing.js'
import { type Random, seeded } from './random.js'

export const tenantName = 'submitted'
export const submitter = 'torture'

/** Groups of ten lines. What has to wait for a process that was killed is not to be given up, on a clock that runs so fast. */
const limits: Partial<Limits> = { maxCommitEvents: 20, writeTimeoutMs: 600_000 }
export const options: OpenOptions = { clock: fastClock, limits, sources: { allowFiles: true } }

export interface TortureSubmissions {
  readonly seed: number
  readonly kills: number
}

export interface SubmissionTortureReport extends KillReport {
  submissions: number
  aborted: number
  lines: number
}

const manifests = 4
const filesEach = 2
const linesEach = 100
const patients = 60
const killsEach = 2
const width = 3

export async function tortureSubmissions({ seed, kills }: TortureSubmissions): Promise<SubmissionTortureReport> {
  const random = seeded(seed)
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-torture-submissions-'))
  const url = `file:${join(root, 'store')}`
  const store = await openStore(url, options)
  const tenant = await store.tenant(tenantName)
  const report: SubmissionTortureReport = { kills: 0, submissions: 0, aborted: 0, early: 0, lines: 0, problems: [] }
  try {
    while (report.kills < kills && report.problems.length === 0) {
      const name = { submitter, submission: `s${++report.submissions}` }
      const before = await stateOf(tenant)
      await submit(tenant, name, root, random)
      const most = Math.min(kills, report.kills + killsEach)
      const argv = [url, name.submission]
      await killing({ program: 'submitter.ts', argv, written: 'group', width, random, report, kills: most })
      if (report.submissions % 2 === 0) await judgeAborted(tenant, name, before, report)
      else await judgeEnded(tenant, name, report)
    }
  } finally {
    await store.close()
    if (report.problems.length === 0) fs.rmSync(root, { recursive: true, force: true })
    else report.problems.push(`the store is in ${root}`)
  }
  return report
}

/** Manifests over the same patients; of a hundred lines, some are none. */
async function submit({ submissions }: Tenant, name: SubmissionName, root: string, random: Random): Promise<void> {
  await submissions.begin(name)
  for (let m = 0; m < manifests; m++) {
    const files = Array.from({ length: filesEach }, (_, f) => {
      const path = join(root, `${name.submission}-${m}-${f}.ndjson`)
      const lines = Array.from({ length: linesEach }, () =>
        random.chance(0.05)
          ? '{"resourceType":"Nonsense"}\n'
          : `{"resourceType":"Patient","id":"p${random.below(patients)}","multipleBirthInteger":${random.below(1_000)}}\n`,
      )
      fs.writeFileSync(path, lines.join(''))
      return { url: pathToFileURL(path).href, count: linesEach }
    })
    await submissions.add(name, { id: `m${m}`, files })
  }
  await submissions.complete(name)
}

/** Brings it to its end, and holds what is told of it against the log. */
async function judgeEnded(tenant: Tenant, name: SubmissionName, report: SubmissionTortureReport): Promise<void> {
  const { problems } = report
  const say = (problem: string): void => void problems.push(`${name.submission}: ${problem}`)
  const status = await tenant.submissions.process(name)
  const { counts } = status
  const all = manifests * filesEach * linesEach
  if (status.state !== 'completed' || !status.isEnded || status.hasWork) say(`it has not ended: ${status.state}`)
  for (const { id, state, files } of status.manifests) {
    if (state !== 'completed') say(`manifest ${id} is ${state}`)
    for (const { problem, counts } of files)
      if (problem !== undefined || counts.lines !== linesEach) say(`a file has ${counts.lines} lines: ${problem}`)
  }
  const { created, updated, unchanged, validationErrors, processingErrors } = counts
  if (counts.lines !== all) say(`${counts.lines} lines are counted, ${all} were submitted`)
  if (created + updated + unchanged + validationErrors !== all || processingErrors > 0) say(JSON.stringify(counts))
  const told: string[] = []
  for (let m = 0; m < manifests; m++)
    for (let file = 0; file < filesEach; file++) {
      let line = 0
      for await (const result of tenant.submissions.results(name, `m${m}`, file)) {
        if (result.line !== ++line) say(`line ${result.line} of file ${file} of m${m} is told where ${line} should be`)
        if (result.op !== undefined) told.push(`${result.id} ${result.version} ${result.op}`)
      }
      if (line !== linesEach) say(`${line} lines of file ${file} of m${m} are told`)
    }
  const written: string[] = []
  const requests: string[] = []
  for await (const { transactions } of tenant.commits())
    for (const { request, events, correlation } of transactions) {
      if (correlation !== correlationOf(name)) continue
      requests.push(request ?? '')
      written.push(...events.map(({ id, version, op }) => `${id} ${version} ${op}`))
    }
  if (new Set(requests).size !== requests.length) say('a group was written twice')
  if (created + updated !== written.length) say(`${created + updated} writes are counted, ${written.length} were made`)
  if (JSON.stringify(told.sort()) !== JSON.stringify(written.sort())) say('what is told is not what was written')
  report.lines += counts.lines
}

const correlationOf = ({ submitter, submission }: SubmissionName): string => `submission:${submitter}/${submission}`

async function judgeAborted(
  tenant: Tenant,
  name: SubmissionName,
  before: string,
  report: SubmissionTortureReport,
): Promise<void> {
  await tenant.submissions.abort(name)
  const { state, undone } = await tenant.submissions.process(name)
  if (state !== 'stopped' || undone?.conflicts !== 0)
    report.problems.push(`${name.submission}: it is ${state}, with ${undone?.conflicts} conflicts`)
  if ((await stateOf(tenant)) !== before) report.problems.push(`${name.submission}: what it did was not taken back`)
  report.aborted++
}

/** What each patient says, who is not deleted. */
async function stateOf(tenant: Tenant): Promise<string> {
  const found = new Map<string, unknown>()
  for await (const { transactions } of tenant.commits())
    for (const { events } of transactions)
      for (const event of events)
        if (event.deleted) found.delete(event.id)
        else if (event.type === 'Patient')
          found.set(event.id, event.json<Record<string, unknown>>().multipleBirthInteger)
  return JSON.stringify([...found].sort())
}
