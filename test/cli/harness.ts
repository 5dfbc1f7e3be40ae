/** Runs command lines inside this process, or as real processes, against stores in temporary folders. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { runCli } from '../../src/cli/run.js'
import { annals } from '../program.js'

export interface Ran {
  readonly code: number
  readonly out: Buffer
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  readonly stdin?: string | Uint8Array
  readonly env?: Record<string, string>
  readonly signal?: AbortSignal
  readonly terminal?: boolean
  /** Hears what is written on stdout as it comes. */
  readonly onOut?: (text: string) => void
}

class Sink extends Writable {
  readonly chunks: Buffer[] = []
  readonly columns = 100

  constructor(
    readonly isTTY: boolean,
    readonly onText: ((text: string) => void) | undefined,
  ) {
    super()
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk))
    this.onText?.(chunk.toString())
    done()
  }
}

/** Runs `annals {argv}` in this process. */
export async function run(argv: ReadonlyArray<string>, around: Surroundings = {}): Promise<Ran> {
  const { stdin = '', env = {}, signal = new AbortController().signal, terminal = false, onOut } = around
  const stdout = new Sink(terminal, onOut)
  const stderr = new Sink(terminal, undefined)
  const input = Object.assign(Readable.from([Buffer.from(stdin)], { objectMode: false }), { isTTY: terminal })
  const code = await runCli(argv, { stdin: input, stdout, stderr, env, signal })
  await new Promise((resolve) => setImmediate(resolve))
  const out = Buffer.concat(stdout.chunks)
  return { code, out, stdout: out.toString(), stderr: Buffer.concat(stderr.chunks).toString() }
}

/** `annals` on one store of its own. */
export function atStore(store: string): (line: string | ReadonlyArray<string>, around?: Surroundings) => Promise<Ran> {
  return (line, around) => run([...(typeof line === 'string' ? line.split(' ') : line), '--store', store], around)
}

const folders: string[] = []

/** A folder that is removed after the tests of the file. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'annals-cli-'))
  folders.push(folder)
  return folder
}

export const newStore = (): string => `file:${join(tempFolder(), 'store')}`

export function file(name: string, content: string | Uint8Array, folder = tempFolder()): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The real program as a process of its own. */
export const start = (argv: ReadonlyArray<string>): ChildProcess =>
  spawn(process.execPath, [annals(), ...argv], { cwd: root, stdio: 'pipe' })

export async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    said.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    said.stderr += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...said }
}

export const patient = (id: string, more: object = {}): string =>
  JSON.stringify({ resourceType: 'Patient', id, active: true, ...more })

export const patients = (count: number): string[] => Array.from({ length: count }, (_, i) => patient(`p${i}`))

export const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

/** The numbers of a load's `--json` summary. */
export const summary = (ran: Ran): Record<string, number> => JSON.parse(ran.stdout)
