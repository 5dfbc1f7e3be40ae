/** Keeps the progress of a load now and then, one write at a time. */
import type { Mark, ProgressKeeper, Saved } from './resume.js'
import type { Counts } from './sender.js'

export interface Saver {
  /** Everything up to `mark` is acknowledged; `counts` say what it came to. */
  reached(mark: Mark, counts: Counts): void
  /** Keeps what was reached last; `done` says that the load came to its end. */
  end(done: boolean): Promise<void>
}

/** What a crash makes a load read again, in milliseconds. */
const saveEveryMs = 1_000

export function makeSaver(keeper: ProgressKeeper | undefined, onLost: () => void): Saver {
  let last: Saved | undefined
  let savedAt = performance.now()
  let saving: Promise<void> | undefined
  let isLost = keeper === undefined

  async function save(saved: Saved): Promise<void> {
    savedAt = performance.now()
    if (await keeper?.save(saved)) return
    isLost = true
    onLost()
  }

  return {
    reached(mark, counts) {
      last = { ...mark, counts: { ...counts } }
      if (isLost || saving !== undefined || performance.now() - savedAt < saveEveryMs) return
      // A progress that could not be kept is read again one day: no reason to fail.
      saving = save(last)
        .catch(() => undefined)
        .finally(() => {
          saving = undefined
        })
    },
    async end(done) {
      await saving
      if (!isLost && last !== undefined) await save({ ...last, done })
    },
  }
}
