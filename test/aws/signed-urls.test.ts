/** Files of exports that clients fetch from the bucket itself. */
import { expect, test } from 'vitest'
import { exported } from '../http/exports.js'
import { guarded } from '../http/guarded.js'
import { makePlace } from './stores.js'
import { describeWorlds } from './worlds.js'

describeWorlds('signed URLs', (world) => {
  test('whoever may have a file gets a URL of the bucket, which is good for that file alone, without a token', async () => {
    const place = await makePlace(world)
    const server = await guarded({}, { signedUrlMs: 60_000 }, await place.open())
    const tenant = await server.store.tenant('default')
    for (const type of ['Patient', 'Observation']) await tenant.update(type, 'a', { resourceType: type, id: 'a' })
    const headers = await server.authority.bearer('system/Patient.rs')
    const manifest = await exported(server, '$export?_type=Patient', headers)
    expect(manifest).toMatchObject({ requiresAccessToken: false, output: [{ type: 'Patient', count: 1 }] })
    const url = new URL(manifest.output[0]?.url ?? '')
    expect(url.origin).toBe(new URL(world.s3).origin)
    expect(Number(url.searchParams.get('X-Amz-Expires'))).toBe(60)
    const fetched = await fetch(url)
    expect(fetched.headers.get('content-type')).toBe('application/fhir+ndjson')
    expect(JSON.parse(await fetched.text())).toMatchObject({ resourceType: 'Patient', id: 'a' })
    // moto believes any signature.
    if (world.name === 'moto') return
    url.pathname = url.pathname.replace(/[^/]*$/, 'state.json')
    expect((await fetch(url)).status).toBe(403)
  })
})
