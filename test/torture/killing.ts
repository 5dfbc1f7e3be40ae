/** Several processes at one job, which are killed at random: whichever is killed is replaced by a new one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { program as made } from '../program.js'
import type { Random } from './random.js'

export interface KillReport {
  kills: number
  /** Kills before the process had written anything. */
  early: number
  readonly problems: string[]
}

export interface Killing {
  /** The name of a program of this folder, which says `open` when it begins and `done` when it has ended the job. */
  readonly program: string
  readonly argv: ReadonlyArray<string>
  /** What it says, and what it has written something when it does. */
  readonly written: string
  /** How many work at a time. */
  readonly width: number
  readonly random: Random
  readonly report: KillReport
  /** Up to how many in all. */
  readonly kills: number
}

/** Longer than a process needs to begin, and a lease to end. */
const patienceMs = 20_000

/** Ends when so many were killed, or when one of them has ended the job. The others are killed then, too. */
export async function killing(scene: Killing): Promise<void> {
  const { random, report, kills, width } = scene
  const workers = Array.from({ length: width }, () => start(scene))
  try {
    while (report.kills < kills) {
      const at = random.below(workers.length)
      const victim = workers[at] as Worker
      // Mostly while it writes, sometimes before.
      await Promise.race([random.chance(0.75) ? victim.wrote : victim.begun, victim.ended, sleep(patienceMs)])
      await Promise.race([sleep(random.below(150)), victim.ended])
      if (workers.some((each) => each.isDone())) return
      victim.process.kill('SIGKILL')
      await victim.ended
      report.kills++
      if (!victim.hasWritten()) report.early++
      workers[at] = start(scene)
    }
  } finally {
    for (const each of workers) each.process.kill('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
  }
}

interface Worker {
  readonly process: ChildProcess
  readonly begun: Promise<void>
  readonly wrote: Promise<void>
  readonly ended: Promise<void>
  hasWritten(): boolean
  isDone(): boolean
}

function start({ program, argv, written, report }: Killing): Worker {
  const child = spawn(process.execPath, [made(new URL(program, import.meta.url)), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [said, complaint] = ['', '']
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const heard = (text: string): Promise<void> =>
    new Promise((resolve) => child.stdout.on('data', () => said.includes(text) && resolve()))
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const [begun, wrote] = [heard('open'), heard(written)]
  const ended = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0)
        report.problems.push(`${program} ended with ${code ?? signal}: ${complaint}`)
      resolve()
    })
  })
  const hasSaid = (text: string) => (): boolean => said.includes(text)
  return { process: child, begun, wrote, ended, hasWritten: hasSaid(written), isDone: hasSaid('done\n') }
}
