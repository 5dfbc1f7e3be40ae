/** The conformance table of the docs: it names tests that there are, and says what the CapabilityStatement says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { running } from '../http/server.js'
import { root } from './checkout.js'

interface Row {
  /** Names of the CapabilityStatement; none for what it has no name for. */
  readonly names: ReadonlyArray<string>
  readonly isSupported: boolean
  readonly tests: ReadonlyArray<string>
}

const page = readFileSync(join(root, 'docs/fhir.md'), 'utf8')
const codesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string)

/** Of the table under a heading row. */
const rowsOf = (heading: string): string[][] => {
  const from = page.indexOf(`${heading}\n`)
  expect(from).toBeGreaterThan(0)
  const lines = page.slice(from).split('\n')
  return lines.slice(2, lines.indexOf('')).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const interactions = rowsOf('| interaction | supported | how | tested by |').map(
  ([names = '', supported, , tests = '']): Row => {
    expect(['yes', 'no']).toContain(supported)
    return { names: codesIn(names), isSupported: supported === 'yes', tests: codesIn(tests) }
  },
)

describe('the conformance table', () => {
  test('names tests that there are, in every row', () => {
    expect(interactions.length).toBeGreaterThan(20)
    for (const { names, tests } of interactions) {
      expect(tests, names.join()).not.toEqual([])
      for (const file of tests) expect(existsSync(join(root, 'test/http/conformance', file)), file).toBe(true)
    }
    for (const [, , tests = ''] of rowsOf('| what | how | tested by |'))
      for (const file of codesIn(tests).filter((name) => name.startsWith('test/') && !name.includes('*')))
        expect(existsSync(join(root, file)), file).toBe(true)
  })

  test('names every file of the conformance tests', () => {
    const named = new Set([...page.matchAll(/`([\w-]+\.test\.ts)`/g)].map(([, name]) => name))
    for (const file of readdirSync(join(root, 'test/http/conformance'))) expect(named, file).toContain(file)
  })

  test('says what the CapabilityStatement says', async () => {
    const { ask } = await running()
    const [rest] = (await ask('GET', 'metadata')).body.rest
    const [resource] = rest.resource
    const stated = new Set<string>([
      ...[...resource.interaction, ...rest.interaction].map(({ code }: { code: string }) => code),
      ...Object.entries(resource)
        .filter(
          ([name, value]) => /^conditional|^updateCreate$/.test(name) && value !== false && value !== 'not-supported',
        )
        .map(([name]) => name),
    ])
    const known = new Set([...stated, 'search-system'])
    const said = (isSupported: boolean): string[] =>
      interactions
        .filter((row) => row.isSupported === isSupported)
        .flatMap(({ names }) => names.filter((name) => known.has(name)))
    expect(said(true).sort()).toEqual([...stated].sort())
    expect(said(false)).toEqual(['search-system'])
  })
})
