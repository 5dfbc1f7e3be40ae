/** The header X-Provenance, over real HTTP. (FHIR R4, Provenance: HTTP header) */
import { describe, expect, test } from 'vitest'
import { type Answer, codesOf, type Running, running } from './server.js'

const said = '{"resourceType":"Provenance","recorded":"2026-11-22T10:15:30.10Z","x":1.10}'
const patient = (id?: string) => ({ resourceType: 'Patient', ...(id === undefined ? undefined : { id }) })
const beside = (provenance: string, more: Record<string, string> = {}) => ({
  headers: { 'x-provenance': provenance, ...more },
})

const provenances = async ({ ask }: Running): Promise<{ target: { reference: string }[] }[]> =>
  ((await ask('GET', 'Provenance/_history')).body.entry ?? []).map(({ resource }: { resource: object }) => resource)

const targetsOf = async (server: Running): Promise<string[][]> =>
  (await provenances(server)).map(({ target }) => target.map(({ reference }) => reference))

describe('X-Provenance', () => {
  test('goes with create, update, patch and delete, and is kept byte for byte', async () => {
    const server = await running()
    const { ask } = server
    const created = await ask('POST', 'Patient', { body: patient(), ...beside(said) })
    expect(created.status).toBe(201)
    expect((await ask('GET', 'Provenance/_history')).text).toContain('"recorded":"2026-11-22T10:15:30.10Z","x":1.10,')
    const id = created.body.id
    await ask('PUT', `Patient/${id}`, { body: patient(id), ...beside(said) })
    const patch = { body: '[]', ...beside(said, { 'content-type': 'application/json-patch+json' }) }
    expect((await ask('PATCH', `Patient/${id}`, patch)).status).toBe(200)
    expect((await ask('DELETE', `Patient/${id}`, beside(said))).status).toBe(204)
    expect((await ask('DELETE', `Patient/${id}`, beside(said))).status).toBe(204)
    expect((await ask('GET', `Patient/${id}/_history/1`, beside(said))).status).toBe(200)
    expect(await targetsOf(server)).toEqual([3, 3, 2, 1].map((version) => [`Patient/${id}/_history/${version}`]))
    const target = (await targetsOf(server))[0]?.[0] as string
    expect((await ask('GET', target)).status).toBe(200)
  })

  test('goes with conditional forms, if they write', async () => {
    const server = await running()
    const { ask } = server
    const create = () =>
      ask('POST', 'Patient', {
        body: { ...patient(), identifier: [{ value: '1' }] },
        ...beside(said, { 'if-none-exist': 'identifier=1' }),
      })
    expect([(await create()).status, (await create()).status]).toEqual([201, 200])
    expect(await targetsOf(server)).toHaveLength(1)
    await ask('PUT', 'Patient?identifier=1', { body: { ...patient(), identifier: [{ value: '1' }] }, ...beside(said) })
    await ask('DELETE', 'Patient?identifier=1', beside(said))
    await ask('DELETE', 'Patient?identifier=1', beside(said))
    const versions = (await targetsOf(server)).map(([target]) => target?.split('/').at(-1))
    expect(versions).toEqual(['2', '2', '1'])
  })

  test('goes with a transaction as one, and with each entry of a batch', async () => {
    const server = await running()
    const entry = ['a', 'b'].map((id) => ({ resource: patient(id), request: { method: 'PUT', url: `Patient/${id}` } }))
    for (const type of ['transaction', 'batch'])
      expect(
        (await server.ask('POST', '', { body: { resourceType: 'Bundle', type, entry }, ...beside(said) })).status,
      ).toBe(200)
    const targets = await targetsOf(server)
    expect(targets.at(-1)).toEqual(['Patient/a/_history/1', 'Patient/b/_history/1'])
    expect(targets.slice(0, -1).flat().sort()).toEqual(['Patient/a/_history/2', 'Patient/b/_history/2'])
  })

  test('is read as UTF-8, as it stands on the wire', async () => {
    const server = await running()
    const provenance = '{"resourceType":"Provenance","agent":[{"who":{"display":"Ärztin 😀"}}]}'
    // `fetch` writes a byte for each character.
    const sent = Buffer.from(provenance).toString('latin1')
    expect((await server.ask('POST', 'Patient', { body: patient(), ...beside(sent) })).status).toBe(201)
    expect(await provenances(server)).toMatchObject([{ agent: [{ who: { display: 'Ärztin 😀' } }] }])
  })

  test.each<[string, string, string]>([
    ['no JSON', '{"resourceType":"Provenance"', 'structure'],
    ['nothing', '', 'structure'],
    ['two of them', `${said}, ${said}`, 'structure'],
    ['bytes that are no UTF-8', '{"resourceType":"Provenance","x":"\xe9"}', 'structure'],
    ['another resource', '{"resourceType":"Patient"}', 'value'],
    ['a target', '{"resourceType":"Provenance","target":[{"reference":"Patient/a"}]}', 'value'],
    ['more than 8 KiB', `{"resourceType":"Provenance","x":"${'x'.repeat(8 * 1024)}"}`, 'too-long'],
  ])('is refused where it is %s, naming the header, and nothing is written', async (_, provenance, code) => {
    const { ask } = await running()
    const bundle = { resourceType: 'Bundle', type: 'batch', entry: [] }
    const expected = (answer: Answer): void => {
      expect([answer.status, ...codesOf(answer)], answer.text).toEqual([400, code])
      expect(answer.body.issue[0].location).toEqual(['http.X-Provenance'])
      expect(answer.body.issue[0].expression).toBeUndefined()
    }
    expected(await ask('POST', 'Patient', { body: patient(), ...beside(provenance) }))
    expected(await ask('DELETE', 'Patient/a', beside(provenance)))
    expected(await ask('POST', '', { body: bundle, ...beside(provenance) }))
    expect((await ask('GET', '_history')).body.entry).toBeUndefined()
  })

  test('that refers to what is not there is a failure of the header', async () => {
    const { ask } = await running()
    const provenance = '{"resourceType":"Provenance","agent":[{"who":{"reference":"Patient?identifier=1"}}]}'
    const entry = [{ resource: patient(), request: { method: 'POST', url: 'Patient' } }]
    const transaction = { resourceType: 'Bundle', type: 'transaction', entry }
    for (const [path, body] of [
      ['Patient', patient()],
      ['', transaction],
    ] as const) {
      const answer = await ask('POST', path, { body, ...beside(provenance) })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.body.issue[0].location).toEqual(['http.X-Provenance'])
    }
    expect((await ask('GET', '_history')).body.entry).toBeUndefined()
  })
})
