/** `annals sagas`: what became of them. */
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.js'
import { atStore, newStore } from './harness.js'

test('list, show and resume say what became of sagas', async () => {
  const url = newStore()
  const store = await openStore(url)
  await store.tenant('t', { kind: 'json' })
  await store.saga([{ tenant: 't', operations: [{ op: 'create', type: 'Note', id: 'a', body: {} }] }], { id: 's' })
  await store.close()
  const annals = atStore(url)
  expect(await annals('sagas list')).toMatchObject({ code: 0, stdout: 's\tcompleted\t1\n' })
  expect(await annals('sagas list --state stuck')).toMatchObject({ code: 0, stdout: '' })
  expect(await annals('sagas show s')).toMatchObject({ code: 0, stdout: 's\tcompleted\t0\tt\tapplied\t1-0\t\t\n' })
  const resumed = await annals('sagas resume s --json')
  expect(JSON.parse(resumed.stdout)).toEqual({
    id: 's',
    state: 'completed',
    steps: [{ tenant: 't', outcome: 'applied', transaction: '1-0' }],
  })
  expect(await annals('sagas show nothing')).toMatchObject({ code: 2 })
  expect(await annals('sagas list --state lost')).toMatchObject({ code: 2 })
})
