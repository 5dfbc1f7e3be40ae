/** Annals on a folder: the compiled library, as an application uses it. */
import { openStore } from '../../../dist/src/index.js'

export async function open({ folder, cacheBytes }) {
  const limits = cacheBytes === undefined ? {} : { cacheBytes }
  const store = await openStore(`file:${folder}`, { limits })
  const tenant = await store.tenant('bench')
  return {
    tenant,
    write: (id, text) => tenant.update('Patient', id, text),
    read: async (id) => (await tenant.read('Patient', id)).body.length,
    /** What the writes came to on the disk: the commits after `since`, and their bytes. */
    async observe(since) {
      let commits = 0
      let bytes = 0
      for await (const commit of tenant.commits({ from: since + 1, bodies: false })) {
        commits++
        bytes += commit.bytes
      }
      return { commits, bytes }
    },
    mark: async () => (await tenant.head()).seq,
    close: () => store.close(),
  }
}
