/** Imports point only downwards: src → adapters, projections → domain. Adapters and projections do not know each other. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What each layer may import, besides itself and packages. */
const below: Record<string, ReadonlyArray<string>> = {
  domain: [],
  adapters: ['domain'],
  projections: ['domain'],
  src: ['adapters', 'projections', 'domain'],
}

/** The only rooms of `src/` that may name an adapter. */
const wiring = ['src/open.ts', 'src/open-place.ts', 'src/open-secrets.ts', 'src/testing/']

/** What the domain may take from outside: values and pure functions. No I/O, no clock, no randomness. */
const domainPackages = ['fp-ts/', 'io-ts', 'rxjs', 'node:crypto', 'node:buffer']

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

const imports = Object.keys(below).flatMap((layer) =>
  readdirSync(join(root, layer), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => importsOf(join(layer, name))),
)

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(/^(import|export)\s+(type\s+)?(?:[^'"]*?from\s+)?'([^']+)'/gm)
  return [...found].map(([, , type, specifier = '']) => ({
    from: file.split(sep).join('/'),
    to: specifier.startsWith('.')
      ? relative(root, join(root, dirname(file), specifier))
          .split(sep)
          .join('/')
      : specifier,
    typeOnly: type !== undefined,
  }))
}

const layerOf = (path: string): string => path.split('/')[0] ?? ''

describe('layers', () => {
  test('are found at all', () => {
    expect(new Set(imports.map(({ from }) => layerOf(from)))).toEqual(new Set(Object.keys(below)))
    expect(imports.length).toBeGreaterThan(100)
  })

  test('import only what lies below them', () => {
    const against = imports.filter(({ from, to }) => {
      const target = layerOf(to)
      return target in below && target !== layerOf(from) && !below[layerOf(from)]?.includes(target)
    })
    expect(against).toEqual([])
  })

  test('meet the adapters in one place', () => {
    const against = imports.filter(
      ({ from, to }) =>
        layerOf(from) === 'src' && layerOf(to) === 'adapters' && !wiring.some((place) => from.startsWith(place)),
    )
    expect(against).toEqual([])
  })

  test('keep the faces on the public API', () => {
    const faces = /^src\/(cli|http|lambda)\//
    const allowed = /^src\/(index|fp)\.js$/
    const against = imports.filter(
      ({ from, to }) =>
        faces.test(from) && to in below === false && to.startsWith('src/') && !faces.test(to) && !allowed.test(to),
    )
    expect(against).toEqual([])
  })

  test('keep I/O, time and chance out of the domain', () => {
    const against = imports.filter(
      ({ from, to, typeOnly }) =>
        layerOf(from) === 'domain' &&
        !to.startsWith('domain/') &&
        !typeOnly &&
        !domainPackages.some((name) => to === name || to.startsWith(name)),
    )
    expect(against).toEqual([])
    for (const file of new Set(imports.map(({ from }) => from).filter((from) => layerOf(from) === 'domain')))
      expect(readFileSync(join(root, file), 'utf8'), file).not.toMatch(
        /\bDate\.now\(|\bMath\.random\(|\bperformance\.now\(/,
      )
  })
})
