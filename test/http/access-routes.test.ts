/** Every route that there is asks who its client is and what it may, but those that are for everybody. */
import { expect, test } from 'vitest'
import { fhirServer } from '../../src/http/index.js'
import { openStore } from '../../src/index.js'
import { audience, issuer, newKey, publicJwk, tokenOf } from './issuer.js'

/** Of the router's tree: a line for each URL, four letters for each level, and its methods. */
function routesIn(tree: string): ReadonlyArray<readonly [string, string]> {
  const above: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods] = /^([│├└─ ]*)(\S+)(?: \((.*)\))?$/.exec(line) ?? []
    if (part === '') return []
    const depth = indent.length / 4 - 1
    above.length = depth
    above.push(part)
    return (methods?.split(', ') ?? []).map((method) => [method, above.join('')] as const)
  })
}

const isForEverybody = (url: string): boolean =>
  /^\/(health|metrics)\b/.test(url) || /\/fhir\/(metadata|\.well-known)\b/.test(url)

const parameters: Readonly<Record<string, string>> = {
  tenant: 'default',
  type: 'Patient',
  id: 'p',
  version: '1',
  operation: '$none',
}

test('every route is for nobody without a token, and for nobody whose token grants something else', async () => {
  const store = await openStore('memory:')
  const tenant = await store.tenant('default')
  await tenant.update('Patient', 'p', { resourceType: 'Patient', id: 'p' })
  const key = await newKey()
  const authentication = { issuer, audience, jwks: { keys: [await publicJwk(key)] } }
  const app = await fhirServer(store, { authentication, tenancy: { from: 'path' } })
  const root = await app.listen({ host: '127.0.0.1', port: 0 })
  const routes = routesIn(app.printRoutes({ commonPrefix: false })).filter(([method]) => method !== 'TRACE')
  const authorization = `Bearer ${await tokenOf({ key, claims: { scope: 'system/Basic.c' } })}`
  const seen = new Set<string>()
  for (const [method, route] of routes) {
    const url = route.replace(/:(\w+)(\(\S+?\))?/g, (_, name: string) => parameters[name] ?? 'x')
    const type = route.endsWith('/_search') ? 'application/x-www-form-urlencoded' : 'application/fhir+json'
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (
        await fetch(`${root}${url}`, {
          method,
          headers: { ...headers, ...(hasBody ? { 'content-type': type } : undefined) },
          ...(hasBody ? { body: '{}' } : undefined),
        })
      ).status
    if (isForEverybody(route)) continue
    const what = `${method} ${route}`
    expect([401, 405], what).toContain(await ask({}))
    // What a Bundle asks for is for each of its entries to say, and of an operation that is none there is nothing to ask.
    const isBundle = method === 'POST' && route.endsWith('/fhir')
    expect([405, isBundle ? 400 : route.includes('/:operation') ? 404 : 403], what).toContain(
      await ask({ authorization }),
    )
    seen.add(route)
  }
  for (const route of ['/fhir', '/fhir/:type/:id', '/tenants/:tenant/fhir/:type/:id/_history/:version'])
    expect(seen.has(route), route).toBe(true)
  expect((await tenant.head()).seq).toBe(1)
  await app.close()
  await store.close()
})
