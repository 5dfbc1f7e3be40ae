/** An append-only table in SQLite that is as durable: write-ahead log, synchronous=FULL, one row a version. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const Database = createRequire(new URL('../peers/package.json', import.meta.url))('better-sqlite3')

export async function open({ folder }) {
  const database = new Database(join(folder, 'events.db'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec(`create table if not exists events (
    position integer primary key autoincrement, type text not null, id text not null, version integer not null,
    op text not null, at text not null, body text not null, unique (type, id, version))`)
  const next = database.prepare('select coalesce(max(version), 0) + 1 as version from events where type = ? and id = ?')
  const insert = database.prepare('insert into events (type, id, version, op, at, body) values (?, ?, ?, ?, ?, ?)')
  const current = database.prepare('select body from events where type = ? and id = ? order by version desc limit 1')

  const add = (id, text) => {
    const { version } = next.get('Patient', id)
    insert.run('Patient', id, version, version === 1 ? 'create' : 'update', new Date().toISOString(), text)
  }
  const one = database.transaction(add)
  const many = database.transaction((rows) => {
    for (const [id, text] of rows) add(id, text)
  })
  return {
    database,
    write: async (id, text) => one.immediate(id, text),
    writeAll: (rows) => many.immediate(rows),
    read: async (id) => current.get('Patient', id).body.length,
    close: async () => database.close(),
  }
}
