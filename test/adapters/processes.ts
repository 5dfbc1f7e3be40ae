import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { program } from '../program.js'

const source = new URL('./embedded-child.ts', import.meta.url)
const argumentsOf = (args: ReadonlyArray<string>): string[] => [program(source), ...args]

export interface Child {
  readonly process: ChildProcess
  /** What it says, line by line, as it says it. */
  readonly said: unknown[]
  /** Resolves to the lines when it ends well, and rejects with what it complains of otherwise. */
  readonly ended: Promise<unknown[]>
}

export function startChild(...args: ReadonlyArray<string>): Child {
  const child = spawn(process.execPath, argumentsOf(args), { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: unknown[] = []
  let partial = ''
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  child.stdout.on('data', (chunk) => {
    const lines = `${partial}${chunk}`.split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line))
  })
  const ended = new Promise<unknown[]>((resolve, reject) => {
    child.on('close', (code) =>
      code === 0 ? resolve(said) : reject(new Error(`child ended with ${code}: ${complaint}`)),
    )
  })
  ended.catch(() => undefined)
  return { process: child, said, ended }
}

/** Runs a child while this process stands still: no turn of the event loop passes. */
export function runChildSync(...args: ReadonlyArray<string>): void {
  const { status, stderr } = spawnSync(process.execPath, argumentsOf(args), { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited for a minute in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
