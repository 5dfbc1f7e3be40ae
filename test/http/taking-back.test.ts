/** `$revert` and `$restore` over real HTTP: what was written is taken back, or would be, and the history keeps all of it. */
import { describe, expect, test } from 'vitest'
import { expectRefused, guarded } from './guarded.js'
import { type Answer, codesOf, type Running, running } from './server.js'

const patient = (id: string, n: number) => ({ resourceType: 'Patient', id, multipleBirthInteger: n })
const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter })
const transaction = (valueString: string) => ({ name: 'transaction', valueString })

/** a is 1 and then 2, b is new and then gone, c is new: in a transaction of commit 2. Its trace is the correlation. */
async function written(): Promise<Running> {
  const server = await running()
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'idempotency-key': 'load' }
  const put = (resource: { id: string }) => ({ resource, request: { method: 'PUT', url: `Patient/${resource.id}` } })
  const bundle = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry })
  await server.ask('POST', '', { body: bundle(put(patient('a', 1)), put(patient('b', 1))) })
  const entries = [put(patient('a', 2)), { request: { method: 'DELETE', url: 'Patient/b' } }, put(patient('c', 1))]
  expect((await server.ask('POST', '', { headers: trace, body: bundle(...entries) })).status).toBe(200)
  return server
}

const revert = ({ ask }: Running, ...parameter: object[]): Promise<Answer> =>
  ask('POST', '$revert', { body: parameters(...parameter) })

/** `a 2`, or `b -` for what is deleted. */
async function stateOf({ ask }: Running): Promise<string> {
  const states = ['a', 'b', 'c'].map(async (id) => {
    const { status, body } = await ask('GET', `Patient/${id}`)
    return `${id} ${status === 200 ? body.multipleBirthInteger : '-'}`
  })
  return (await Promise.all(states)).join(', ')
}

const commitsOf = async ({ store }: Running): Promise<number> => (await (await store.tenant('default')).head()).seq

interface Part {
  readonly name: string
  readonly part: ReadonlyArray<Part>
  readonly [value: string]: unknown
}

/** `restore Patient/a 3 as 1`. */
const changesIn = ({ body }: Answer): string[] =>
  (body.parameter as ReadonlyArray<Part>)
    .filter(({ name }) => name === 'change')
    .map(({ part }) => {
      const said = Object.fromEntries(part.map(({ name, ...value }) => [name, Object.values(value)[0]]))
      const { reference } = said.resource as { reference: string }
      return `${said.action} ${reference} ${said.version} as ${said.restores}`
    })

const valueIn = ({ body }: Answer, name: string): unknown => {
  const { name: _, ...value } = (body.parameter as ReadonlyArray<Part>).find((each) => each.name === name) ?? { name }
  return Object.values(value)[0]
}

/** What was written last comes first; a Bundle deletes before it writes. */
const everything = ['delete Patient/c 2 as 0', 'restore Patient/a 3 as 1', 'restore Patient/b 3 as 1']

describe('$revert', () => {
  test('takes back a transaction, and says what it wrote; the audit says who and why', async () => {
    const server = await written()
    const headers = { 'x-request-id': 'undo-1' }
    const body = parameters(transaction('2-0'), { name: 'reason', valueString: 'wrong file' })
    const answer = await server.ask('POST', '$revert', { headers, body })
    expect(answer.status, answer.text).toBe(200)
    expect(changesIn(answer)).toEqual(everything)
    expect([valueIn(answer, 'transaction'), valueIn(answer, 'replayed')]).toEqual(['3-0', false])
    expect(await stateOf(server)).toBe('a 1, b 1, c -')
    const tenant = await server.store.tenant('default')
    for await (const { at, transactions } of tenant.commits({ from: 3 })) {
      expect(transactions).toMatchObject([{ reason: 'wrong file', causation: 'undo-1', compensates: '2-0' }])
      expect(valueIn(answer, 'at')).toBe(at)
    }
  })

  test('of a revert brings back what it took back', async () => {
    const server = await written()
    await revert(server, transaction('2-0'))
    expect(changesIn(await revert(server, transaction('3-0')))).toEqual([
      'delete Patient/b 4 as 2',
      'restore Patient/a 4 as 2',
      'restore Patient/c 3 as 1',
    ])
    expect(await stateOf(server)).toBe('a 2, b -, c 1')
  })

  test.each([
    ['the key of a request', [{ name: 'request', valueString: 'load' }]],
    ['a correlation', [{ name: 'correlation', valueString: '0af7651916cd43dd8448eb211c80319c' }]],
    [
      'commits',
      [
        { name: 'from', valuePositiveInt: 2 },
        { name: 'to', valuePositiveInt: 2 },
      ],
    ],
    ['a transaction that is named twice', [transaction('2-0'), transaction('2-0')]],
  ])('finds what is taken back by %s', async (_, parameter) => {
    const server = await written()
    expect(changesIn(await revert(server, ...parameter))).toEqual(everything)
    expect(await stateOf(server)).toBe('a 1, b 1, c -')
  })

  test('takes back several transactions together', async () => {
    const server = await written()
    expect(changesIn(await revert(server, transaction('1-0'), transaction('2-0')))).toEqual([
      'delete Patient/c 2 as 0',
      'delete Patient/a 3 as 0',
      'leave Patient/b 2 as undefined',
    ])
    expect(await stateOf(server)).toBe('a -, b -, c -')
  })

  test('writes nothing on a dry run, and says the same', async () => {
    const server = await written()
    const answer = await revert(server, transaction('2-0'), { name: 'dryRun', valueBoolean: true })
    expect(answer.status).toBe(200)
    expect(changesIn(answer)).toEqual(everything)
    expect([valueIn(answer, 'transaction'), await commitsOf(server)]).toEqual([undefined, 2])
    expect(changesIn(await revert(server, transaction('2-0'), { name: 'dryRun', valueBoolean: false }))).toEqual(
      everything,
    )
  })

  test('is a conflict where others have changed something since: nothing is written, each resource is named', async () => {
    const server = await written()
    for (const id of ['a', 'c']) await server.ask('PUT', `Patient/${id}`, { body: patient(id, 9) })
    const commits = await commitsOf(server)
    const refused = await revert(server, transaction('2-0'))
    expect([refused.status, ...codesOf(refused)]).toEqual([409, 'conflict', 'conflict'])
    expect(refused.body.issue.map(({ diagnostics }: { diagnostics: string }) => diagnostics)).toEqual([
      'Patient/c was expected to be at version 1, but it is at version 2',
      'Patient/a was expected to be at version 2, but it is at version 3',
    ])
    const dry = await revert(server, transaction('2-0'), { name: 'dryRun', valueBoolean: true })
    expect([dry.status, (valueIn(dry, 'outcome') as { issue: object[] }).issue.length]).toEqual([200, 2])
    expect(await commitsOf(server)).toBe(commits)
    const skipped = await revert(server, transaction('2-0'), { name: 'onConflict', valueCode: 'skip' })
    expect(changesIn(skipped)).toEqual([
      'leave Patient/c 2 as undefined',
      'leave Patient/a 3 as undefined',
      'restore Patient/b 3 as 1',
    ])
    expect(await stateOf(server)).toBe('a 9, b 1, c 9')
    await server.ask('PUT', 'Patient/b', { body: patient('b', 8) })
    await revert(server, transaction('2-0'), { name: 'onConflict', valueCode: 'force' })
    expect(await stateOf(server)).toBe('a 1, b 1, c -')
  })

  test('names with each conflict the parameter that has said what is taken back', async () => {
    const server = await written()
    for (const id of ['a', 'c']) await server.ask('PUT', `Patient/${id}`, { body: patient(id, 9) })
    const places = ({ body }: Answer, outcome = body): unknown[] =>
      outcome.issue.map(({ expression, location }: Record<string, unknown>) => expression ?? location)
    for (const [query, parameter, place] of [
      ['?onConflict=fail', [transaction('2-0')], 'Parameters.parameter[0]'],
      ['?transaction=2-0', [], 'http.transaction'],
      ['?request=load', [], 'http.request'],
      [
        '',
        [
          { name: 'dryRun', valueBoolean: false },
          { name: 'from', valuePositiveInt: 2 },
          { name: 'to', valuePositiveInt: 2 },
        ],
        'Parameters.parameter[1]',
      ],
      ['', [transaction('1-0'), transaction('2-0')], 'Parameters.parameter'],
    ] as const) {
      const refused = await server.ask('POST', `$revert${query}`, { body: parameters(...parameter) })
      expect([refused.status, places(refused)], refused.text).toEqual([409, [[place], [place]]])
    }
    const dry = await server.ask('POST', '$revert?transaction=2-0&dryRun=true')
    expect(places(dry, valueIn(dry, 'outcome'))).toEqual([['http.transaction'], ['http.transaction']])
  })

  test('with a key is made once, and its repetition answers the same', async () => {
    const server = await written()
    const headers = { 'idempotency-key': 'undo' }
    const ask = (id: string) => server.ask('POST', '$revert', { headers, body: parameters(transaction(id)) })
    const first = await ask('2-0')
    const again = await ask('2-0')
    expect([valueIn(again, 'replayed'), changesIn(again)]).toEqual([true, changesIn(first)])
    expect(await commitsOf(server)).toBe(3)
    const other = await ask('1-0')
    expect([other.status, ...codesOf(other)]).toEqual([409, 'conflict'])
  })

  test.each([
    [[], 400, 'required'],
    [[transaction('7-0')], 404, 'not-found'],
    [[transaction('2-0'), transaction('7-0')], 404, 'not-found'],
    [[transaction('first')], 400, 'value'],
    [[{ name: 'request', valueString: 'none' }], 404, 'not-found'],
    [[transaction('2-0'), { name: 'correlation', valueString: 'x' }], 400, 'invalid'],
    [[transaction('2-0'), { name: 'from', valuePositiveInt: 1 }], 400, 'invalid'],
    [[{ name: 'to', valuePositiveInt: 1 }], 400, 'required'],
    [
      [
        { name: 'from', valuePositiveInt: 2 },
        { name: 'to', valuePositiveInt: 1 },
      ],
      400,
      'value',
    ],
    [[transaction('2-0'), { name: 'onConflict', valueCode: 'ignore' }], 400, 'value'],
    [[transaction('2-0'), { name: 'dryRun', valueString: 'perhaps' }], 400, 'value'],
  ])('of %j is refused, and nothing is written', async (parameter, status, code) => {
    const server = await written()
    const answer = await revert(server, ...parameter)
    expect([answer.status, ...codesOf(answer)], answer.text).toEqual([status, code])
    expect(await commitsOf(server)).toBe(2)
  })
})

describe('$restore', () => {
  const restore = ({ ask }: Running, path: string, to: string, ...more: object[]): Promise<Answer> =>
    ask('POST', `${path}$restore`, { body: parameters({ name: 'to', valueString: to }, ...more) })

  test('brings back a resource: as it was at an instant, at a position, or as its version was', async () => {
    const server = await written()
    const then = (await server.ask('GET', 'Patient/a/_history/1')).body.meta.lastUpdated
    for (const [to, change, state] of [
      [then, 'restore Patient/a 3 as 1', 'a 1, b -, c 1'],
      ['0-2-0', 'restore Patient/a 4 as 2', 'a 2, b -, c 1'],
      ['1', 'restore Patient/a 5 as 1', 'a 1, b -, c 1'],
    ] as const) {
      expect(changesIn(await restore(server, 'Patient/a/', to))).toEqual([change])
      expect(await stateOf(server)).toBe(state)
    }
    const numbered = parameters({ name: 'to', valuePositiveInt: 2 })
    expect((await server.ask('POST', 'Patient/a/$restore', { body: numbered })).status).toBe(200)
    expect(await stateOf(server)).toBe('a 2, b -, c 1')
    expect(changesIn(await restore(server, 'Patient/b/', '1'))).toEqual(['restore Patient/b 3 as 1'])
    expect(changesIn(await restore(server, 'Patient/c/', '2001-01-01'))).toEqual(['delete Patient/c 2 as 0'])
  })

  test('brings back a type, or everything, and can be taken back itself', async () => {
    const server = await written()
    await server.ask('PUT', 'Group/g', { body: { resourceType: 'Group', id: 'g' } })
    const type = await restore(server, 'Patient/', '0-1-0')
    expect(changesIn(type)).toEqual(everything)
    expect([await stateOf(server), (await server.ask('GET', 'Group/g')).status]).toEqual(['a 1, b 1, c -', 200])
    await revert(server, transaction(valueIn(type, 'transaction') as string))
    expect(await stateOf(server)).toBe('a 2, b -, c 1')
    expect(changesIn(await restore(server, '', '0-0-0')).sort()).toContain('delete Group/g 2 as 0')
    expect(await stateOf(server)).toBe('a -, b -, c -')
  })

  test('writes nothing on a dry run, nor where all is as it was', async () => {
    const server = await written()
    const dry = await restore(server, 'Patient/', '0-1-0', { name: 'dryRun', valueBoolean: true })
    expect(changesIn(dry)).toEqual(everything)
    const nothing = await restore(server, 'Patient/a/', '2')
    expect([nothing.status, valueIn(nothing, 'transaction'), changesIn(nothing)]).toEqual([200, undefined, []])
    expect([await stateOf(server), await commitsOf(server)]).toEqual(['a 2, b -, c 1', 2])
  })

  test.each([
    ['Patient/a/', 'yesterday', 400, 'value'],
    ['Patient/a/', '9', 404, 'not-found'],
    ['Patient/never/', '1', 404, 'not-found'],
    ['Patient/never/', '2001-01-01', 404, 'not-found'],
    ['Patient/', '1', 400, 'value'],
    ['', '1', 400, 'value'],
    ['', '7-1-0', 400, 'value'],
    ['Nonsense/', '2001-01-01', 404, 'not-supported'],
  ])('of %s to %s is refused, and nothing is written', async (path, to, status, code) => {
    const server = await written()
    const answer = await restore(server, path, to)
    expect([answer.status, ...codesOf(answer)], answer.text).toEqual([status, code])
    const unsaid = await server.ask('POST', 'Patient/a/$restore')
    expect([unsaid.status, ...codesOf(unsaid)]).toEqual([400, 'required'])
    expect(await commitsOf(server)).toBe(2)
  })
})

describe('takes every permission to write', () => {
  const body = parameters({ name: 'to', valueString: '2001-01-01' }, { name: 'dryRun', valueBoolean: true })
  test.each([
    ['Patient/a/$restore', 'system/Patient.cud'],
    ['Patient/$restore', 'system/Patient.cud'],
    ['$restore', 'system/*.cud'],
    ['$revert', 'system/*.cud'],
  ])('%s: %s, also for a dry run', async (path, scope) => {
    const { ask, authority, store } = await guarded()
    const tenant = await store.tenant('default')
    await tenant.update('Patient', 'a', patient('a', 1))
    const sent = path === '$revert' ? parameters(transaction('1-0'), { name: 'dryRun', valueBoolean: true }) : body
    const asWith = async (given: string) => ask('POST', path, { headers: await authority.bearer(given), body: sent })
    expect((await asWith(scope)).status).toBe(200)
    const narrower = path.startsWith('$') ? 'system/Patient.cruds' : 'system/Group.cruds'
    for (const less of [narrower, ...['cu', 'ud', 'cd'].map((letters) => scope.replace('cud', letters))])
      expectRefused(await asWith(less), 403, 'forbidden', 'insufficient_scope')
    expect((await ask('POST', path, { body: sent })).status).toBe(401)
    expect((await tenant.head()).seq).toBe(1)
  })

  test('and leaves the name of the caller with what it writes', async () => {
    const { ask, authority, store } = await guarded()
    const tenant = await store.tenant('default')
    await tenant.update('Patient', 'a', patient('a', 1))
    const headers = await authority.bearer('system/*.cud')
    expect((await ask('POST', '$revert', { headers, body: parameters(transaction('1-0')) })).status).toBe(200)
    expect(await tenant.read('Patient', 'a')).toMatchObject({ actor: expect.any(String), deleted: true })
  })
})

test('a Provenance beside it is refused, and not passed over', async () => {
  const server = await written()
  const headers = { 'x-provenance': '{"resourceType":"Provenance"}' }
  const answer = await server.ask('POST', '$revert', { headers, body: parameters(transaction('2-0')) })
  expect([answer.status, ...codesOf(answer), await commitsOf(server)]).toEqual([400, 'not-supported', 2])
})
