/** What is looked at when every writer is dead: the store is opened, verified, and held against the ledger. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../adapters/system-clock.js'
import type { Clock } from '../../domain/ports/index.js'
import { openStore } from '../../src/index.js'
import { program } from '../program.js'
import { type Judgement, judge } from './judge.js'
import type { Ledger } from './ledger.js'
import { type Place, tenantName } from './place.js'
import type { Random } from './random.js'
import type { Summary } from './torture.js'

export async function inspect({ calmUrl }: Place, ledger: Ledger, summary: Summary): Promise<Judgement> {
  const store = await openStore(calmUrl, { create: false })
  try {
    // As the dead left it: at most the head may lag.
    await store.verify(tenantName, {
      onDifference: ({ kind, key, problem }) => {
        if (kind === 'head-behind' || kind === 'head-missing') summary.healed++
        else summary.problems.push(`before opening: ${kind} ${key}: ${problem}`)
      },
    })
    const tenant = await store.tenant(tenantName)
    await store.verify(tenantName, {
      onDifference: ({ kind, key, problem }) => summary.problems.push(`${kind} ${key}: ${problem}`),
    })
    const judgement = await judge(tenant, ledger)
    summary.problems.push(...judgement.problems)
    return judgement
  } finally {
    await store.close()
  }
}

/** The disaster: the pointers are gone. Opening says so; a recovery is killed on its way, and another one finishes. */
export async function losePointers(place: Place, random: Random, summary: Summary): Promise<void> {
  const url = place.calmUrl
  await place.losePointers()
  summary.pointersLost++
  const store = await openStore(url, { create: false })
  try {
    const opened = await store.tenant(tenantName).catch((error) => error._tag)
    // Only a log without a commit has nothing to recover.
    if (typeof opened === 'string' ? opened !== 'NeedsRecovery' : (await opened.head()).seq > 0)
      summary.problems.push('a tenant whose pointers are gone was opened')
  } finally {
    await store.close()
  }
  if (random.chance(0.7)) await killRecovery(url, random, summary)
  const recovering = await openStore(url, { create: false, clock: afterTheLease })
  try {
    await recovering.recover(tenantName)
  } finally {
    await recovering.close()
  }
}

/** A recovery that was killed has left its lease. Nobody waits for its end here. */
const afterTheLease: Clock = { ...systemClock, now: () => systemClock.now() + 60_000_000 }

async function killRecovery(url: string, random: Random, summary: Summary): Promise<void> {
  const script = program(new URL('./recoverer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended])
  await sleep(random.below(200))
  if (child.exitCode === null) summary.recoveriesKilled++
  child.kill('SIGKILL')
  await ended
}
