/** The writing processes: started, listened to, killed, and replaced by others that ask again what was not answered. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { program } from '../program.js'
import type { Ledger } from './ledger.js'
import type { Report } from './reports.js'
import type { Request } from './wish.js'

const source = new URL('./writer.ts', import.meta.url)

type Stage = 'starting' | 'opening' | 'writing'

export interface Writer {
  readonly name: string
  readonly process: ChildProcess
  /** What may end it: one after the other does. */
  readonly signals: readonly [NodeJS.Signals, ...NodeJS.Signals[]]
  /** How far it has come. */
  readonly stage: Stage
  /** Begun and not answered so far. */
  readonly open: Set<string>
  /** Its process has ended, and everything that it said was heard. */
  readonly ended: Promise<void>
  /** Resolves when it has come to the stage, or has ended. */
  reached(stage: Stage): Promise<void>
  ask(requests: ReadonlyArray<Request>): void
}

export function startWriter(name: string, url: string, seed: number, ledger: Ledger): Writer {
  const args = [program(source), url, name, String(seed)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const { stage, enter, reached } = stages()
  const open = new Set<string>()
  let complaint = ''

  const hear = (line: string): void => {
    const report = parse(line)
    if (report === undefined) return
    ledger.note(name, report)
    if (report.kind === 'opening') enter('opening')
    if (report.kind === 'opened') enter('writing')
    if (report.kind === 'begun') open.add(report.request.key)
    if (report.kind === 'done' || report.kind === 'rejected') open.delete(report.key)
  }

  const lines = createInterface({ input: child.stdout }).on('line', hear)
  const heard = new Promise<void>((resolve) => lines.on('close', resolve))
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  // A killed process does not read on.
  child.stdin.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') ledger.wrong.push(`${name} ended with ${code ?? signal}: ${complaint}`)
      resolve()
    })
  })
  const ended = Promise.all([heard, closed]).then(() => undefined)

  return {
    name,
    process: child,
    signals: ['SIGKILL'],
    get stage() {
      return stage()
    },
    open,
    ended,
    reached: (stage) => Promise.race([reached(stage), ended]),
    ask: (requests) => {
      for (const request of requests) child.stdin.write(`${JSON.stringify(request)}\n`)
    },
  }
}

/** How far a process has come, and who waits for that. */
export function stages() {
  const order: ReadonlyArray<Stage> = ['starting', 'opening', 'writing']
  const waiting = new Map<Stage, Array<() => void>>()
  let now: Stage = 'starting'
  return {
    stage: (): Stage => now,
    enter: (stage: Stage): void => {
      now = stage
      for (const wake of waiting.get(stage) ?? []) wake()
      waiting.delete(stage)
    },
    reached: (stage: Stage): Promise<void> =>
      order.indexOf(now) >= order.indexOf(stage)
        ? Promise.resolve()
        : new Promise((resolve) => waiting.set(stage, [...(waiting.get(stage) ?? []), resolve])),
  }
}

/** The last line of a killed process may be half of one, which says nothing. */
function parse(line: string): Report | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
