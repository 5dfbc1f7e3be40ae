/**
 * Programs that tests start as processes of their own, each made one file of JavaScript first: so it starts in 0.9 s of a core, of its
 * sources by tsx in 2.2 s. Packages stay outside of it.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Esbuild {
  buildSync(options: object): { readonly outputFiles: ReadonlyArray<{ readonly contents: Uint8Array }> }
}

/** The one that tsx brings. */
export const esbuild: Esbuild & { build(options: object): Promise<unknown> } = (() => {
  const require = createRequire(import.meta.url)
  return createRequire(require.resolve('tsx'))('esbuild')
})()

const root = fileURLToPath(new URL('..', import.meta.url))
/** From here packages are found, and the package's own version. */
const folder = join(root, 'node_modules/.annals')
const made = new Map<string, string>()

/** What `node` is to run. Made anew by each process that asks, so that it is never older than its sources. */
export function program(source: string | URL): string {
  const path = typeof source === 'string' ? source : fileURLToPath(source)
  const known = made.get(path)
  if (known !== undefined) return known
  const options = {
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    write: false,
  }
  const [output] = esbuild.buildSync({ ...options, entryPoints: [path] }).outputFiles
  const file = join(folder, `${relative(root, path).replaceAll(/[/\\]/g, '-').replace(/\.ts$/, '')}.mjs`)
  mkdirSync(folder, { recursive: true })
  // Whole at once: another process may make it at the same time, or start it.
  writeFileSync(`${file}.${process.pid}`, output?.contents ?? '')
  renameSync(`${file}.${process.pid}`, file)
  made.set(path, file)
  return file
}

export const annals = (): string => program(new URL('../src/cli/main.ts', import.meta.url))
