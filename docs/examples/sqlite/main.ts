/** SQL over the history of a store: `npx tsx docs/examples/sqlite/main.ts`, in a checkout that is built. */
import { openStore } from 'annals'
import sqlite from 'node-sqlite3-wasm'
import { changes, countsByMonth, currentAt, historyTable } from './history-table.js'

const store = await openStore('memory:')
const clinic = await store.tenant('clinic', { kind: 'json' })
await clinic.create('Patient', '{"name":"Ada","weight":62.10}', { id: 'ada', actor: 'dr-who', reason: 'admitted' })
const moved = await clinic.update('Patient', 'ada', '{"name":"Ada","ward":7}', { actor: 'dr-no', reason: 'moved' })
await clinic.delete('Patient', 'ada', { actor: 'dr-who', reason: 'discharged' })

// A file by its path, for a table that stays; without one it is in memory.
const db = new sqlite.Database()
const [status] = await store.projections.run('clinic', [historyTable(db)])
console.log(`${status?.name}: commit ${status?.seq}, ${status?.lag.commits} behind`)

console.table(changes(db, 'clinic'))
console.table(countsByMonth(db, 'clinic'))
const then = await clinic.read('Patient', 'ada', { version: moved.version })
console.table(currentAt(db, 'clinic', then?.at ?? ''))

db.close()
await store.close()
