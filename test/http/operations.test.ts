/** Annals' own operations as the server describes them: what is described is there, and nothing else. */
import { expect, test } from 'vitest'
import { codesOf, running } from './server.js'

interface Described {
  readonly name: string
  readonly definition: string
}

/** Bulk exports are as others define them. */
const ownOf = (operations: ReadonlyArray<Described>): ReadonlyArray<Described> =>
  operations.filter(({ name }) => name !== 'export')

test('are in the CapabilityStatement, each with a definition that stands where it says', async () => {
  const { ask, base, root } = await running({ version: '1.2.3' })
  const [rest] = (await ask('GET', 'metadata')).body.rest
  const ofTypes: ReadonlyArray<Described> = rest.resource[0].operation
  for (const { operation } of rest.resource) expect(ownOf(operation)).toEqual(ofTypes)
  const all = new Map([...ownOf(rest.operation), ...ofTypes].map((each) => [each.name, each.definition]))
  expect(all.size).toBeGreaterThan(2)
  for (const [name, definition] of all) {
    expect(definition.startsWith(`${base}/`)).toBe(true)
    const { status, body } = await ask('GET', definition.slice(root.length))
    expect(status).toBe(200)
    expect(body).toMatchObject({ resourceType: 'OperationDefinition', url: definition, code: name, version: '1.2.3' })
    expect(body.system).toBe(rest.operation.some((each: Described) => each.name === name))
    expect(body.type || body.instance).toBe(ofTypes.some((each) => each.name === name))
    expect(body.name).toMatch(/^[A-Z]\w+$/)
    for (const { name, use, min, max, type, part } of body.parameter) {
      expect([name, use, min, max]).toEqual([
        expect.any(String),
        expect.stringMatching(/^(in|out)$/),
        expect.any(Number),
        expect.stringMatching(/^[1*]$/),
      ])
      expect(type === undefined, name).toBe(part !== undefined)
    }
  }
})

test('are where their definitions say, and by GET where they change nothing', async () => {
  const { ask, root } = await running()
  const [{ operation, resource }] = (await ask('GET', 'metadata')).body.rest
  for (const { definition } of ownOf([...operation, ...resource[0].operation])) {
    const { body } = await ask('GET', definition.slice(root.length))
    const paths = [body.system && '', body.type && 'Patient/', body.instance && 'Patient/p/'].filter(
      (path) => path !== false,
    )
    for (const path of paths) {
      const post = await ask('POST', `${path}$${body.code}`, {
        body: { resourceType: 'Parameters', parameter: [{ name: '?' }] },
      })
      expect([post.status, ...codesOf(post), post.text.includes(`$${body.code} takes`)]).toEqual([
        400,
        'not-supported',
        true,
      ])
      const get = await ask('GET', `${path}$${body.code}?nonsense=1`)
      expect([get.status, get.headers.has('allow')], path).toEqual(body.affectsState ? [405, true] : [400, false])
    }
  }
})

test('beside resources of the same type that are stored', async () => {
  const { ask } = await running()
  const stored = { resourceType: 'OperationDefinition', id: 'annals-diff', name: 'Mine' }
  expect((await ask('PUT', 'OperationDefinition/annals-diff', { body: stored })).status).toBe(201)
  expect((await ask('GET', 'OperationDefinition/annals-diff')).body.name).toBe('Mine')
  expect((await ask('GET', 'metadata/OperationDefinition/annals-diff')).body.name).toBe('AnnalsDiff')
  const none = await ask('GET', 'metadata/OperationDefinition/annals-none')
  expect([none.status, ...codesOf(none)]).toEqual([404, 'not-found'])
})

test.each([
  ['GET', '$everything', 404, 'not-supported'],
  ['POST', '$everything', 404, 'not-supported'],
  ['DELETE', '$everything', 404, 'not-supported'],
  ['GET', 'Patient/$everything', 404, 'not-supported'],
  ['POST', 'Patient/$match', 404, 'not-supported'],
  ['POST', 'Patient/p/$everything', 404, 'not-supported'],
  ['PUT', 'Patient/$x', 404, 'not-supported'],
  ['GET', 'Patient/$diff', 404, 'not-supported'],
  ['POST', 'Patient/$revert', 404, 'not-supported'],
  ['GET', 'Nonsense/$diff', 404, 'not-supported'],
  ['DELETE', 'Patient/p/$diff', 405, 'not-supported'],
  ['GET', 'Patient/p/$restore', 405, 'not-supported'],
  ['PUT', '$revert', 405, 'not-supported'],
])('%s %s is %i %s', async (method, path, status, code) => {
  const { ask, store } = await running()
  const body = method === 'GET' || method === 'DELETE' ? undefined : '{"resourceType":"Parameters"}'
  const answer = await ask(method, path, { body })
  expect([answer.status, ...codesOf(answer)]).toEqual([status, code])
  expect(answer.headers.has('allow')).toBe(status === 405)
  expect((await (await store.tenant('default')).head()).seq).toBe(0)
})
