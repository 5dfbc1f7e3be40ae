/**
 * A table of SQLite with a row for each version event, for questions in SQL. Its rows and its checkpoint change in one
 * transaction, so that each event is applied exactly once. Each version of the projection has a table of its own.
 */
import { type DefinedProjection, defineProjection, type ProjectionPage, type ProjectionScope } from 'annals'
import type { Database } from 'node-sqlite3-wasm'

/** A change of the columns is a new version: its table is built beside the one that serves, which then goes. */
const version = 1
const tableOf = (number: number): string => `history_v${number}`
const table = tableOf(version)

export function historyTable(db: Database): DefinedProjection {
  prepare(db)
  return defineProjection({
    name: 'history-table',
    version,
    checkpoint: async (scope) => checkpointOf(db, scope),

    apply: async (page, scope) =>
      inTransaction(db, () => {
        // Another worker was faster, or this one was taken for dead: what is there already must not come again.
        if (checkpointOf(db, scope) !== page.previous) throw new Error('the page does not follow what is written down')
        insert(db, page, scope)
        db.run(`REPLACE INTO checkpoints VALUES (?, ?, ?)`, [table, scope.tenant, page.checkpoint])
      }),

    reset: async ({ tenant }) =>
      inTransaction(db, () => {
        db.run(`DELETE FROM ${table} WHERE tenant = ?`, tenant)
        db.run('DELETE FROM checkpoints WHERE name = ? AND tenant = ?', [table, tenant])
      }),

    // The table is one for all tenants: it goes when the last of them has left it.
    retire: async (older, { tenant }) =>
      inTransaction(db, () => {
        db.run('DELETE FROM checkpoints WHERE name = ? AND tenant = ?', [tableOf(older), tenant])
        if (db.get('SELECT 1 FROM checkpoints WHERE name = ?', tableOf(older)) === null)
          db.exec(`DROP TABLE IF EXISTS ${tableOf(older)}`)
      }),
  })
}

function prepare(db: Database): void {
  db.exec(
    `CREATE TABLE IF NOT EXISTS checkpoints (name TEXT, tenant TEXT, checkpoint TEXT, PRIMARY KEY (name, tenant))`,
  )
  db.exec(`CREATE TABLE IF NOT EXISTS ${table} (
    tenant TEXT, seq INTEGER, event INTEGER, at TEXT, type TEXT, id TEXT, version INTEGER,
    op TEXT, actor TEXT, reason TEXT, body TEXT, PRIMARY KEY (tenant, type, id, version))`)
}

function insert(db: Database, { events }: ProjectionPage, { tenant }: ProjectionScope): void {
  for (const event of events) {
    const { seq, index } = event.position
    const { at, type, id, version, op, actor = null, reason = null } = event
    const body = event.deleted ? null : event.text()
    db.run(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
      ...[tenant, seq, index, at, type, id, version],
      ...[op, actor, reason, body],
    ])
  }
}

function checkpointOf(db: Database, { tenant }: ProjectionScope): string | undefined {
  const row = db.get('SELECT checkpoint FROM checkpoints WHERE name = ? AND tenant = ?', [table, tenant])
  return row === null ? undefined : String(row.checkpoint)
}

/** SQLite's calls are synchronous here: no other code runs between the first and the last. */
function inTransaction(db: Database, change: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    change()
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

/** Who changed what, when and why, in the order of the log. */
export const changes = (db: Database, tenant: string) =>
  db.all(
    `SELECT at, actor, op, type || '/' || id AS resource, version, reason FROM ${table}
      WHERE tenant = ? ORDER BY seq, event`,
    tenant,
  )

/** How many changes there were in each month. */
export const countsByMonth = (db: Database, tenant: string) =>
  db.all(
    `SELECT substr(at, 1, 7) AS month, op, count(*) AS changes FROM ${table}
      WHERE tenant = ? GROUP BY month, op ORDER BY month, op`,
    tenant,
  )

/** What was current at an instant, which is written as the store writes it: `2026-11-22T10:15:30.123456Z`. */
export const currentAt = (db: Database, tenant: string, instant: string) =>
  db.all(
    `SELECT type || '/' || id AS resource, version, body FROM (
       SELECT *, row_number() OVER (PARTITION BY type, id ORDER BY version DESC) AS newest FROM ${table}
        WHERE tenant = ? AND at <= ?)
      WHERE newest = 1 AND op <> 'delete' ORDER BY resource`,
    [tenant, instant],
  )
