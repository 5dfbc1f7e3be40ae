/** The writing processes: started, listened to, killed, and replaced by others that ask again what was not answered. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Ledger } from './ledger.js'
import type { Report } from './reports.js'
import type { Request } from './wish.js'

const script = fileURLToPath(new URL('./writer.ts', import.meta.url))

export interface Writer {
  readonly name: string
  readonly process: ChildProcess
  /** How far it has come. */
  stage: 'starting' | 'opening' | 'writing'
  /** Begun and not answered so far. */
  readonly open: Set<string>
  /** Its process has ended, and everything that it said was heard. */
  readonly ended: Promise<void>
  /** Resolves when it has come to the stage, or has ended. */
  reached(stage: Writer['stage']): Promise<void>
  ask(requests: ReadonlyArray<Request>): void
}

export function startWriter(name: string, url: string, seed: number, ledger: Ledger): Writer {
  const args = ['--import', 'tsx', script, url, name, String(seed)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const waiting = new Map<Writer['stage'], Array<() => void>>()
  const open = new Set<string>()
  let complaint = ''

  const enter = (stage: Writer['stage']): void => {
    writer.stage = stage
    for (const wake of waiting.get(stage) ?? []) wake()
    waiting.delete(stage)
  }

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

  const writer: Writer = {
    name,
    process: child,
    stage: 'starting',
    open,
    ended,
    reached: (stage) => {
      if (order.indexOf(writer.stage) >= order.indexOf(stage)) return Promise.resolve()
      const reached = new Promise<void>((resolve) => waiting.set(stage, [...(waiting.get(stage) ?? []), resolve]))
      return Promise.race([reached, ended])
    },
    ask: (requests) => {
      for (const request of requests) child.stdin.write(`${JSON.stringify(request)}\n`)
    },
  }
  return writer
}

const order: ReadonlyArray<Writer['stage']> = ['starting', 'opening', 'writing']

/** The last line of a killed process may be half of one, which says nothing. */
function parse(line: string): Report | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
