/** Runs the tools that obtain servers, and finds them. */
import { spawn, spawnSync } from 'node:child_process'

/** Resolves with what the tool printed when it has ended well; fails with what it said last. */
export type Run = (command: string, args: ReadonlyArray<string>, options?: RunOptions) => Promise<string>

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** What a failed tool said last, in characters. */
const lastWords = 2_000
/** How long a tool may take to show that it works, in milliseconds. */
const probeMs = 20_000

export const run: Run = (command, args, { env = {}, cwd } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-lastWords)
      })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`${command} ${args.join(' ')} failed (${code}):\n${said}`)),
    )
  })

/** Whether the machine has a tool that works: some systems have a `java` that only says where to get one. */
export const works = (command: string, args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: probeMs }).status === 0
