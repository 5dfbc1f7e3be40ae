/** An export as the caller holds it: it hears of each part at once from this process, and from the state what others do. */
import type { Clock } from '../../../domain/ports/index.js'
import type { ExportJob, ExportPart, ExportStatus } from './api.js'
import { followMs } from './drive.js'
import type { Running } from './running.js'
import { failureOf } from './state.js'
import { statusOf } from './status.js'

export interface JobDeps {
  readonly id: string
  readonly clock: Clock
  readonly running: Running
  status(): Promise<ExportStatus>
  cancel(): Promise<ExportStatus>
}

export function makeJob({ id, clock, running, status, cancel }: JobDeps): ExportJob {
  async function done(): Promise<ExportStatus> {
    const state = await running.ended
    const failure = failureOf(state)
    if (failure !== undefined) throw failure
    return statusOf(state)
  }

  async function* parts(): AsyncGenerator<ExportPart> {
    const told = new Set<string>()
    let seen = 0
    let isOver = false
    const end = (): void => {
      isOver = true
    }
    const over = running.ended.then(end, end)
    while (!isOver) {
      const patience = new AbortController()
      const next = running.changed()
      for (; seen < running.parts.length; seen++) yield* untold([running.parts[seen] as ExportPart])
      const waited = clock.sleep(followMs, patience.signal).then(() => !patience.signal.aborted)
      // What another process does is found in the state.
      if ((await Promise.race([next, over, waited])) === true) yield* untold((await status()).parts)
      patience.abort()
    }
    yield* untold((await done()).parts)

    function* untold(all: ReadonlyArray<ExportPart>): Generator<ExportPart> {
      for (const part of all) {
        if (told.has(part.name)) continue
        told.add(part.name)
        yield part
      }
    }
  }

  return { id, status, parts, cancel, done }
}
