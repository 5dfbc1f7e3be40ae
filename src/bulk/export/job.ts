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
    let isOver = false
    const over = running.ended.then(
      () => {
        isOver = true
      },
      () => {
        isOver = true
      },
    )
    while (!isOver) {
      const patience = new AbortController()
      const next = running.changed()
      yield* untold([...running.parts, ...(await status()).parts])
      await Promise.race([next, over, clock.sleep(followMs, patience.signal)])
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
