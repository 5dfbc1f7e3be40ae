/** The examples of the docs run as they are printed, and keep what every projection has to keep. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sqlite from 'node-sqlite3-wasm'
import { describe, expect, test } from 'vitest'
import { changes, countsByMonth, currentAt, historyTable } from '../../docs/examples/sqlite/history-table.js'
import { defineProjection, openStore } from '../../src/index.js'
import { type History, projectHistory, projectionContract } from '../../src/testing/index.js'
import { copyExample, loader, makeFolder } from './checkout.js'

const run = promisify(execFile)
const { Database } = sqlite
const rows = (db: InstanceType<typeof Database>, table = 'history_v1') =>
  db.all(`SELECT * FROM ${table} ORDER BY tenant, seq, event`)

const history: History = [
  {
    operations: [{ op: 'create', type: 'Patient', id: 'ada', body: '{"weight":62.10}' }],
    actor: 'dr-who',
    at: '2026-01-31T23:00:00Z',
  },
  {
    operations: [
      { op: 'update', type: 'Patient', id: 'ada', body: '{"weight":63}' },
      { op: 'create', type: 'Patient', id: 'bob', body: '{}' },
    ],
    actor: 'dr-no',
    reason: 'weighed',
    at: '2026-02-01T08:00:00Z',
  },
  { operations: [{ op: 'delete', type: 'Patient', id: 'ada' }], at: '2026-02-02T00:00:00Z' },
]

describe('the history in SQLite', () => {
  test.each(
    projectionContract({
      target: () => new Database(),
      projection: historyTable,
      read: (db) => rows(db),
      close: (db) => db.close(),
      exactlyOnce: true,
      histories: [history],
    }),
  )('$promise', ({ check }) => check())

  test('says who changed what and when, how much in a month, and what was current', async () => {
    const db = new Database()
    await projectHistory(historyTable(db), history)
    expect(changes(db, 'tenant')).toMatchObject([
      { actor: 'dr-who', op: 'create', resource: 'Patient/ada', version: 1, reason: null },
      { actor: 'dr-no', op: 'update', resource: 'Patient/ada', version: 2, reason: 'weighed' },
      { actor: 'dr-no', op: 'create', resource: 'Patient/bob', version: 1 },
      { actor: null, op: 'delete', resource: 'Patient/ada', version: 3, at: '2026-02-02T00:00:00.000000Z' },
    ])
    expect(countsByMonth(db, 'tenant')).toEqual([
      { month: '2026-01', op: 'create', changes: 1 },
      { month: '2026-02', op: 'create', changes: 1 },
      { month: '2026-02', op: 'delete', changes: 1 },
      { month: '2026-02', op: 'update', changes: 1 },
    ])
    const at = (instant: string) => currentAt(db, 'tenant', instant).map(({ resource, body }) => `${resource} ${body}`)
    expect(at('2026-01-31T23:00:00.000000Z')).toEqual(['Patient/ada {"weight":62.10}'])
    expect(at('2026-02-01T23:00:00.000000Z')).toEqual(['Patient/ada {"weight":63}', 'Patient/bob {}'])
    expect(at('2026-03-01T00:00:00.000000Z')).toEqual(['Patient/bob {}'])
    db.close()
  })

  test('a newer version removes the table when the last tenant has left it', async () => {
    const db = new Database()
    const store = await openStore('memory:')
    const one = historyTable(db)
    for (const tenant of ['a', 'b']) {
      await (await store.tenant(tenant, { kind: 'json' })).create('Note', '{}')
      await store.projections.run(tenant, [one])
    }
    const { definition } = one
    if (definition === undefined) throw new Error('it is not one of our own')
    const { retire } = definition
    const apply = async () => undefined
    const two = defineProjection({ name: definition.name, version: 2, apply, retire })
    await store.projections.run('a', [two])
    expect(rows(db)).toHaveLength(2)
    await store.projections.run('b', [two])
    expect(() => rows(db)).toThrow('no such table')
    await store.close()
    db.close()
  })

  test('the program prints the answers', async () => {
    const folder = makeFolder()
    copyExample('docs/examples/sqlite', folder)
    const { stdout } = await run(process.execPath, ['--import', loader, join(folder, 'main.ts')])
    rmSync(folder, { recursive: true, force: true })
    expect(stdout).toContain('history-table: commit 3, 0 behind')
    expect(stdout).toContain('discharged')
    expect(stdout).toMatch(/Patient\/ada.*"ward":7/)
  })
})
