/** Runs scenarios, each in a fresh process, the runs of all interleaved, and keeps every figure. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peerPackages, type Scenario, type Subject } from './plan.js'

/** The figures of all runs, by scenario, subject and metric. */
export type Figures = Map<string, Map<Subject, Map<string, number[]>>>

interface Answer {
  readonly metrics: Readonly<Record<string, number>>
  /** What Annals did, for the floor to repeat. */
  readonly observed?: unknown
}

export interface MeasureOptions {
  readonly runs: number
  /** Where the stores are made: on the disk that is to be measured. */
  readonly folder: string
  readonly onStep: (text: string) => void
}

export async function measure(scenarios: ReadonlyArray<Scenario>, options: MeasureOptions): Promise<Figures> {
  const figures: Figures = new Map()
  const observed = new Map<string, unknown>()
  for (let run = 1; run <= options.runs; run++)
    for (const scenario of scenarios) {
      // The floor needs to know what Annals did; from then on the order turns round with every run.
      const subjects = run % 2 === 1 ? scenario.subjects : [...scenario.subjects].reverse()
      for (const subject of subjects) {
        const name = `${scenario.name} ${subject}`
        options.onStep(`run ${run} of ${options.runs}: ${name}`)
        try {
          const answer = await runOnce(scenario, subject, observed.get(scenario.name), options.folder)
          if (answer.observed !== undefined) observed.set(scenario.name, answer.observed)
          keep(figures, scenario.name, subject, answer.metrics)
        } catch (error) {
          if (subject === 'annals') throw error
          // Some peers fail now and then; the runs in which they did not count.
          options.onStep(`left out: ${name}: ${(error as Error).message}`)
        }
      }
    }
  return figures
}

async function runOnce(scenario: Scenario, subject: Subject, observed: unknown, root: string): Promise<Answer> {
  const folder = fs.mkdtempSync(join(root, 'run-'))
  try {
    const program = fileURLToPath(new URL(`./scenarios/${scenario.program}`, import.meta.url))
    return await answerOf([program, JSON.stringify({ ...scenario.args, subject, folder, observed })])
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

function answerOf(argv: ReadonlyArray<string>): Promise<Answer> {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complaint = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`it ended with ${code}: ${complaint.trim().slice(0, 500)}`))
      resolve(JSON.parse(said.trim().split('\n').at(-1) ?? ''))
    })
  })
}

function keep(figures: Figures, scenario: string, subject: Subject, metrics: Answer['metrics']): void {
  const ofScenario = figures.get(scenario) ?? new Map<Subject, Map<string, number[]>>()
  const ofSubject = ofScenario.get(subject) ?? new Map<string, number[]>()
  figures.set(scenario, ofScenario.set(subject, ofSubject))
  for (const [key, value] of Object.entries(metrics)) ofSubject.set(key, [...(ofSubject.get(key) ?? []), value])
}

/** The peers that are not installed. */
export function missingPeers(): Set<Subject> {
  const require = createRequire(new URL('./peers/package.json', import.meta.url))
  const isThere = (name: string): boolean => {
    try {
      require.resolve(name)
      return true
    } catch {
      return false
    }
  }
  const peers = Object.entries(peerPackages) as Array<[Subject, string]>
  return new Set(peers.flatMap(([subject, name]) => (isThere(name) ? [] : [subject])))
}
