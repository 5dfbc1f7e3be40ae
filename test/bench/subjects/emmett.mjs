/** Emmett's event store on SQLite: one stream a resource, one event a version. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(new URL('../peers/package.json', import.meta.url))
const { getSQLiteEventStore } = await import(pathToFileURL(require.resolve('@event-driven-io/emmett-sqlite')).href)

export async function open({ folder }) {
  const store = getSQLiteEventStore({ fileName: join(folder, 'emmett.db'), schema: { autoMigration: 'None' } })
  await store.schema.migrate()
  // Two appends at a time end in SQLITE_BUSY, so that callers take turns.
  let turn = Promise.resolve()
  const event = (text) => ({ type: 'patient-written', data: JSON.parse(text) })
  return {
    store,
    write: (id, text) => {
      turn = turn.then(() => store.appendToStream(`patient-${id}`, [event(text)]))
      return turn
    },
    append: (stream, texts) => store.appendToStream(stream, texts.map(event)),
    read: async (id) => (await store.readStream(`patient-${id}`)).events.length,
    close: async () => undefined,
  }
}
