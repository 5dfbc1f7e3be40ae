/** The tutorial: every command as it is printed, in one shell, and every answer as it is shown. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addProgram, makeFolder, root } from './checkout.js'
import { commandsOf, isAsShown, openShell } from './console.js'

const missing = (() => {
  try {
    execFileSync('curl', ['--version'])
    return false
  } catch {
    return true
  }
})()
if (missing && process.env.ANNALS_REQUIRE_SERVERS !== '1') console.log('the tutorial is skipped: curl is not here')

const page = readFileSync(join(root, 'docs/tutorial.md'), 'utf8')

test.skipIf(missing && process.env.ANNALS_REQUIRE_SERVERS !== '1')('the tutorial does what it shows', async () => {
  const folder = makeFolder()
  const port = await freePort()
  // The page says 8080, which may be taken here: curl is led to another port.
  writeFileSync(join(folder, '.curlrc'), `connect-to = "127.0.0.1:8080:127.0.0.1:${port}"\nsilent\nshow-error\n`)
  const shell = openShell(folder, {
    ...process.env,
    PATH: `${addProgram(folder)}${delimiter}${process.env.PATH}`,
    CURL_HOME: folder,
    ANNALS_SERVE_PORT: String(port),
  })
  try {
    for (const shown of commandsOf(page)) {
      const said = (await shell.run(shown)).replaceAll(String(port), '8080')
      expect(isAsShown(said, shown.output), `${shown.command}\nsaid:\n${said}\nshown:\n${shown.output}`).toBe(true)
    }
  } finally {
    await shell.run({ command: 'kill $! 2>/dev/null; wait', output: '' })
    await shell.end()
    rmSync(folder, { recursive: true, force: true })
  }
})

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

describe('what a command says', () => {
  test.each([
    ['a\nb', 'a\nb', true],
    ['a\r\nb\n', 'a\nb', true],
    ['a b c d', 'a … d', true],
    ['at 2026-01-01T00:00:00.1Z', 'at 2025-12-31T23:59:59Z', true],
    ['01a218a6-3667-74dc-a791-93d44674ceff', '01a218a6-36f0-70c9-890a-e50625727816', true],
    ['a', 'b', false],
    ['a\nb', 'a', false],
    ['a', 'a\nb', false],
    ['abd', 'a…c', false],
    ['"1"', '"2"', false],
    ['[x]', '.x.', false],
  ])('%j is as shown by %j: %s', (said, shown, expected) => {
    expect(isAsShown(said, shown)).toBe(expected)
  })

  test('is told from the command, however many lines that has', () => {
    const page = "```console\n$ a 'x\n  y' z\nsaid\n\nmore\n$ b\n```\n\ntext\n\n```console\n$ c \\\n  d\n```\n"
    expect(commandsOf(page)).toEqual([
      { command: "a 'x\n  y' z", output: 'said\n\nmore' },
      { command: 'b', output: '' },
      { command: 'c \\\n  d', output: '' },
    ])
  })
})
