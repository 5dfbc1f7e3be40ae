/** Runs the tools that obtain servers, and finds them. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export type Run = (
  command: string,
  args: ReadonlyArray<string>,
  options?: { readonly env?: Readonly<Record<string, string>> },
) => Promise<void>

/** What a failed tool said last, in characters. */
const lastWords = 2_000

/** Resolves when the tool has ended well; fails with what it said last. */
export const run: Run = (command, args, { env = {} } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-lastWords)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')} failed (${code}):\n${said}`)),
    )
  })

/** Where a command is; `undefined` when the machine has none of this name. */
export function findTool(command: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // The next folder.
    }
  }
  return undefined
}

export const tool = (command: string): string => findTool(command) ?? command
