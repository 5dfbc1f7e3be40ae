/** Code of the docs as it runs in this checkout: the package's exports are taken from the sources instead of the build. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { annals } from '../program.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))
/** For `node --import`: runs TypeScript. */
export const loader = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href

/** A temporary folder in which packages are found. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'annals-docs-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  return folder
}

/** Makes `annals` the program of this checkout for whoever has the answered folder in its PATH. */
export function addProgram(folder: string): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'annals'), `#!/bin/sh\nexec '${process.execPath}' '${annals()}' "$@"\n`)
  chmodSync(join(bin, 'annals'), 0o755)
  return bin
}

export function ofThisCheckout(code: string): string {
  const source = (path: string): string => `from '${pathToFileURL(join(root, path)).href}'`
  return code
    .replaceAll("from 'annals/http'", source('src/http/index.ts'))
    .replaceAll("from 'annals/lambda'", source('src/lambda/index.ts'))
    .replaceAll("from 'annals/testing'", source('src/testing/index.ts'))
    .replaceAll("from 'annals/fp'", source('src/fp.ts'))
    .replaceAll("from 'annals'", source('src/index.ts'))
}

/** Copies an example, so that it runs as printed. */
export function copyExample(from: string, to: string): void {
  for (const name of readdirSync(join(root, from)))
    writeFileSync(join(to, name), ofThisCheckout(readFileSync(join(root, from, name), 'utf8')))
}
