/** `annals transaction` and `annals show`: several writes as one, and what one wrote. */
import { describe, expect, test } from 'vitest'
import { atStore, newStore, patient } from './harness.js'

const operations = (...list: object[]): string => JSON.stringify({ operations: list })

const bundle = (type: string, ...entry: object[]): string => JSON.stringify({ resourceType: 'Bundle', type, entry })
const post = (resource: object) => ({ resource, request: { method: 'POST', url: 'Patient' } })

describe('transaction', () => {
  test('writes operations as one, bodies byte for byte', async () => {
    const annals = atStore(newStore())
    const stdin =
      '{"operations":[{"op":"create","type":"Patient","id":"a","body":{"resourceType":"Patient", "n": 1.10}},' +
      `{"op":"create","type":"Patient","id":"b","body":${patient('b')}}]}`
    expect(await annals('transaction --actor ann', { stdin })).toMatchObject({
      code: 0,
      stdout: 'created Patient/a version 1\ncreated Patient/b version 1\n',
      stderr: 'transaction 1-0; to take it back: annals revert 1-0\n',
    })
    expect((await annals('get Patient/a')).stdout).toContain('"n": 1.10')
    const again = operations(
      { op: 'check', type: 'Patient', id: 'a', expect: 'exists' },
      { op: 'delete', type: 'Patient', id: 'b', expect: 1 },
    )
    expect(JSON.parse((await annals('transaction --json', { stdin: again })).stdout)).toMatchObject({
      transaction: '2-0',
      results: [{ changed: false }, { op: 'delete', version: 2 }],
    })
  })

  test('writes nothing where one operation cannot be, and ends with 1', async () => {
    const annals = atStore(newStore())
    await annals('put Patient/a -', { stdin: patient('a') })
    const stdin = operations(
      { op: 'update', type: 'Patient', id: 'b', body: JSON.parse(patient('b')) },
      { op: 'delete', type: 'Patient', id: 'a', expect: 7 },
    )
    const { code, stderr } = await annals('transaction', { stdin })
    expect([code, stderr]).toEqual([1, expect.stringContaining('Patient/a')])
    expect((await annals('get Patient/b')).code).toBe(1)
  })

  test('takes a Bundle: a transaction, or a batch of which some entries fail', async () => {
    const annals = atStore(newStore())
    const written = await annals('transaction --json', {
      stdin: bundle('transaction', post({ resourceType: 'Patient' })),
    })
    expect(JSON.parse(written.stdout)).toMatchObject({
      type: 'transaction-response',
      entry: [{ response: { status: '201 Created' } }],
    })
    const stdin = bundle('batch', post({ resourceType: 'Patient' }), {
      request: { method: 'GET', url: 'Patient/none' },
    })
    const { code, stdout, stderr } = await annals('transaction', { stdin })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^201 Patient\/\S+ version 1\n404 Patient\/none was expected to be present/)
    expect(stderr).toContain('1 of 2 entries failed')
  })

  test('refuses what it cannot read, and says what it wants', async () => {
    const annals = atStore(newStore())
    for (const [stdin, message] of [
      ['[]', 'JSON'],
      ['{}', '"operations"'],
      [operations(1 as never), 'operation 0'],
      [operations({ op: 'merge' }), 'operation 0'],
      [operations({ op: 'create', type: 'Patient' }), '"body"'],
    ] as const) {
      const { code, stderr } = await annals('transaction', { stdin })
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    }
  })
})

describe('show', () => {
  test('says what a transaction wrote, who did it and why', async () => {
    const annals = atStore(newStore())
    await annals('put Patient/a - --actor ann --reason new', { stdin: patient('a') })
    const { stdout } = await annals('show 1-0')
    expect(stdout).toMatch(/transaction +1-0\n/)
    expect(stdout).toMatch(/actor +ann\nreason +new\ncreated Patient\/a version 1\n/)
    expect(JSON.parse((await annals('show 1-0 --json')).stdout)).toMatchObject({
      id: '1-0',
      actor: 'ann',
      events: [{ type: 'Patient', id: 'a', version: 1, op: 'create' }],
    })
  })

  test('of what is not there ends with 1, and of no id with 2', async () => {
    const annals = atStore(newStore())
    await annals('put Patient/a -', { stdin: patient('a') })
    expect((await annals('show 1-1')).code).toBe(1)
    expect((await annals('show 9-0')).code).toBe(1)
    expect((await annals('show yesterday')).code).toBe(2)
  })
})
