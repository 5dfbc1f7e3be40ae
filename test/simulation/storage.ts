/** What keeps the objects and the items of a simulation: memory as a rule, real servers for a few seeds. */
import { memoryBlobStore, memoryPointerStore } from '../../adapters/memory/index.js'
import type { BlobStore, Clock, PointerStore } from '../../domain/ports/index.js'
import { turn } from './scheduler.js'

export interface Storage {
  readonly blobs: BlobStore
  /** An empty pointer store, in which items expire by this clock. */
  pointers(clock: Clock): PointerStore
  /** Resolves when every call that was made has been answered, and whoever waited for it has moved on. */
  settled(): Promise<void>
}

export const inMemory = (): Storage => ({
  blobs: memoryBlobStore(),
  pointers: (clock) => memoryPointerStore({ clock }),
  settled: turn,
})

/** Storage whose answers take their time: the simulation stands still until they are there. */
export function unhurried(blobs: BlobStore, pointers: (clock: Clock) => PointerStore): Storage {
  let open = 0
  const counted = <P extends object>(port: P): P =>
    Object.fromEntries(
      Object.entries(port).map(([name, method]) => [
        name,
        (...args: unknown[]) =>
          async () => {
            open++
            try {
              return await method(...args)()
            } finally {
              open--
            }
          },
      ]),
    ) as P
  return {
    blobs: counted(blobs),
    pointers: (clock) => counted(pointers(clock)),
    settled: async () => {
      for (let quiet = 0; quiet < 2; quiet = open === 0 ? quiet + 1 : 0) await turn()
    },
  }
}
