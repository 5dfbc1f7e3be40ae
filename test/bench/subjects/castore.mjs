/** Castore's event storage in memory: nothing is durable, so it stands for what its program alone costs. */
import { createRequire } from 'node:module'

const require = createRequire(new URL('../peers/package.json', import.meta.url))
const { InMemoryEventStorageAdapter } = require('@castore/event-storage-adapter-in-memory')

export async function open() {
  const adapter = new InMemoryEventStorageAdapter({})
  const versions = new Map()
  return {
    write: async (id, text) => {
      const version = (versions.get(id) ?? 0) + 1
      versions.set(id, version)
      const event = { aggregateId: id, version, type: 'PATIENT_WRITTEN', payload: JSON.parse(text) }
      await adapter.pushEvent(event, { eventStoreId: 'PATIENTS' })
    },
    read: async (id) => (await adapter.getEvents(id, { eventStoreId: 'PATIENTS' })).events.length,
    close: async () => undefined,
  }
}
