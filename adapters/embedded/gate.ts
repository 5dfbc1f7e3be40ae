import { annalsError } from '../../domain/error.js'

/** Lets calls through until the store is closed, and knows when the last of them has ended. */
export interface Gate {
  pass<A>(operation: string, key: string, body: () => Promise<A>): Promise<A>
  /** Refuses every later call and waits for those in flight. */
  close(): Promise<void>
}

export function makeGate(): Gate {
  let inFlight = 0
  let isClosed = false
  let drained: (() => void) | undefined

  return {
    pass: async (operation, key, body) => {
      if (isClosed) throw annalsError('Cancelled', { what: `${operation} ${key} on a closed store` })
      inFlight++
      try {
        return await body()
      } finally {
        if (--inFlight === 0) drained?.()
      }
    },
    close: () => {
      isClosed = true
      return new Promise((resolve) => {
        drained = resolve
        if (inFlight === 0) resolve()
      })
    },
  }
}
