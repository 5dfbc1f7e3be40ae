/**
 * Every `ts` and `sh` block of the README and the docs runs; `json` and `text` blocks are only shown, and so are `console` blocks but
 * for those of the tutorial, which has a test of its own.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addProgram, loader, makeFolder, ofThisCheckout, root } from './checkout.js'

const run = promisify(execFile)

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

interface Snippet {
  readonly name: string
  readonly language: string
  readonly code: string
}

const snippets = pages.flatMap((page): Snippet[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', code = ''], i) => ({
      name: `${page}, block ${i + 1}`,
      language,
      code,
    }),
  ),
)

const of = (language: string): Snippet[] => snippets.filter((snippet) => snippet.language === language)

describe('snippets', () => {
  let folder: string
  let bin: string

  beforeAll(() => {
    folder = makeFolder()
    symlinkSync(join(root, 'docs'), join(folder, 'docs'))
    bin = addProgram(folder)
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('are found', () => {
    expect(of('ts').length).toBeGreaterThan(0)
    expect(of('sh').length).toBeGreaterThan(0)
    expect(new Set(snippets.map(({ language }) => language))).not.toContain('')
  })

  test.each(of('ts'))('$name runs', async ({ code }) => {
    const file = join(folder, 'snippet.ts')
    writeFileSync(file, ofThisCheckout(code))
    await run(process.execPath, ['--import', loader, file], { cwd: folder })
    rmSync(join(folder, 'annals-data'), { recursive: true, force: true })
  })

  test.each(of('sh'))('$name runs', async ({ code }) => {
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
    await run('sh', ['-e', '-c', code], { cwd: folder, env })
    rmSync(join(folder, 'annals-data'), { recursive: true, force: true })
  })
})
