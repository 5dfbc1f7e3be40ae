/**
 * Checks, at any endpoint and through the ports alone, that the storage keeps what the protocol relies on. Some clones of
 * object stores answer "created" to several of many concurrent creates, which would lose commits.
 *
 * Probes have keys that no tenant can have, and are removed again.
 */
import { isAnnalsError } from '../domain/error.js'
import { formatInstant } from '../domain/instant.js'
import { headPk, headSk } from '../domain/keys.js'
import { headFromItem } from '../domain/pointer.js'
import { attempt, run } from '../domain/task.js'
import type { DoctorFinding, DoctorOptions, DoctorReport } from './api.js'
import {
  cleanUp,
  createRace,
  createSpeed,
  forwardOnly,
  listAfterWrite,
  type Outcome,
  type Probe,
  rangedReads,
  roundTrip,
  swapRace,
  writeReadDelete,
} from './doctor/probes.js'
import type { Limits } from './limits.js'
import type { LogReader } from './read/log-reader.js'
import type { Adapters } from './store.js'

export interface DoctorDeps extends Pick<Adapters, 'blobs' | 'pointers' | 'clock' | 'ids' | 'inspect'> {
  readonly limits: Limits
  readonly tenants: () => AsyncIterable<string>
  logsOf(tenant: string): Promise<ReadonlyArray<{ readonly log: LogReader }>>
}

export async function examine(deps: DoctorDeps, options: DoctorOptions = {}): Promise<DoctorReport> {
  const id = deps.ids.uuid()
  const { blobs, pointers } = deps
  const probe: Probe = { blobs, pointers, prefix: `%doctor/${id}/`, pk: `D#%doctor#${id}` }
  const findings: DoctorFinding[] = []
  const check = async (name: string, body: () => Promise<Outcome>): Promise<void> => {
    if (options.signal?.aborted !== true) findings.push({ check: name, ...(await outcomeOf(body)) })
  }
  const tenantHealth = async (tenant: string): Promise<void> => {
    const logs = await attempt(() => deps.logsOf(tenant))()
    if (logs._tag === 'Left') return check(`tenant ${tenant}`, () => Promise.reject(logs.left))
    for (const { log } of logs.right)
      await check(`tenant ${log.partition === 0 ? tenant : log.name}`, () => logHealth(deps, log))
  }
  try {
    if (deps.inspect !== undefined) findings.push(...(await run(deps.inspect())))
    await check('write, read, delete', () => writeReadDelete(probe))
    await check('bytes survive', () => roundTrip(probe))
    await check('ranged reads', () => rangedReads(probe))
    await check('list after write', () => listAfterWrite(probe))
    await check('one winner of a create', () => createRace(probe))
    await check('one winner of a swap', () => swapRace(probe))
    await check('heads only advance', () => forwardOnly(probe))
    await check('speed of a create', () => createSpeed(probe))
  } finally {
    await cleanUp(probe)
  }
  const listed = await outcomeOf(async () => {
    for await (const tenant of options.tenant === undefined ? deps.tenants() : [options.tenant])
      await tenantHealth(tenant)
    return { ok: true, detail: '' }
  })
  if (!listed.ok) findings.push({ check: 'list of tenants', ...listed })
  return { ok: findings.every(({ ok }) => ok), findings }
}

/** A failure of the storage is the finding; a defect goes on. */
async function outcomeOf(body: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await body()
  } catch (error) {
    if (!isAnnalsError(error)) throw error
    return {
      ok: false,
      detail: error.message,
      advice: 'see that the storage can be reached, and may be read and written',
    }
  }
}

/** The head against the log, and the clock against the last commit. */
async function logHealth({ pointers, clock, limits }: DoctorDeps, log: LogReader): Promise<Outcome> {
  const item = await run(pointers.get(headPk(log.tenant, log.partition), headSk))
  const end = await log.findHead(0)
  const last = end === 0 ? undefined : await log.open(end)
  if (item === undefined && end > 0)
    return {
      ok: false,
      detail: `the log has ${end} commits, and its pointers are gone`,
      advice: "run 'annals recover'",
    }
  const head = item === undefined ? { seq: 0, hash: '' } : headFromItem(item)
  if (head.seq > end)
    return {
      ok: false,
      detail: `the head says ${head.seq}, the log ends at ${end}`,
      advice: "restore the log that belongs to these pointers, or run 'annals recover' to trust the log alone",
    }
  if (head.seq === end && last !== undefined && last.commit.hash !== head.hash)
    return {
      ok: false,
      detail: `the head has another hash than commit ${end}`,
      advice: "restore the log that belongs to these pointers, or run 'annals recover' to trust the log alone",
    }
  const ahead = last === undefined ? 0 : (last.commit.at - clock.now()) / 1000
  if (last !== undefined && ahead > limits.maxClockSkewMs)
    return {
      ok: false,
      detail: `the last commit is of ${formatInstant(last.commit.at)}, this machine's clock says ${formatInstant(clock.now())}`,
      advice: 'set the clock of this machine right; no commit is written before',
    }
  const behind = head.seq < end ? `; the head is at ${head.seq}, and opening the tenant brings it forward` : ''
  return { ok: true, detail: `the log ends at commit ${end}, and the clock agrees with it${behind}` }
}
