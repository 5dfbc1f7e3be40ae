/** Memory that several processes share, each behind ports that a test breaks or pauses, and files that submissions read. */
import { submissionsPk } from '../../domain/keys.js'
import { SourceProblem, type Sources } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'
import type { LineResult, SubmissionName, UndoConflict } from '../../src/bulk/submit/api.js'
import type { Limits } from '../../src/limits.js'
import type { Store, Tenant } from '../../src/store.js'
import { type Fate, through } from '../copy/faults.js'
import type { HandClock } from '../protocol/hand-clock.js'
import { openStore, sharedMemory } from '../store/processes.js'

/** A text is a file's content. `cut`: it ends in the middle of its bytes, for trouble with the network. */
export type Files = Record<string, string | { readonly text: string; readonly cut: number }>

export interface SubmitWorld {
  readonly clock: HandClock
  readonly files: Files
  /** The keys of objects that were put, in order. */
  readonly puts: string[]
  enter(fate?: Fate): Promise<Tenant>
  open(fate?: Fate): Promise<Store>
  /** Submissions that somebody has to work on. */
  offered(): Promise<number>
}

export const name: SubmissionName = { submitter: 'https://example.org|us', submission: 's/1' }

/** `groupLines`: lines that are written together. */
export function makeSubmitWorld(
  files: Files,
  partitions = 1,
  groupLines = 1_000,
  limits: Partial<Limits> = {},
): SubmitWorld {
  const shared = { ...sharedMemory(), sources: sourcesOf(files) }
  const { clock, pointers } = shared
  const puts: string[] = []
  const open = (fate: Fate = (_, proceed) => proceed()): Promise<Store> => {
    const ports = through((call, proceed) => {
      if (['put', 'createIfAbsent', 'replaceIfMatch'].includes(call.method)) puts.push(call.key)
      return fate(call, proceed)
    })
    return openStore(shared, { ...ports, limits: { maxCommitEvents: 2 * groupLines, ...limits } })
  }
  const offered = async (): Promise<number> => {
    const page = await run(pointers.query({ pk: submissionsPk, limit: 10 }))
    return page.items.length
  }
  return { clock, files, puts, open, offered, enter: async (fate) => (await open(fate)).tenant('t', { partitions }) }
}

const chunkBytes = 4_096

function sourcesOf(files: Files): Sources {
  return {
    manifest: async (url) => {
      const found = files[url]
      if (typeof found !== 'string') throw new SourceProblem('there is no such manifest')
      return JSON.parse(found)
    },
    async *open(url) {
      const found = files[url]
      if (found === undefined) throw new SourceProblem('there is no such file')
      const { text, cut = Number.POSITIVE_INFINITY } = typeof found === 'string' ? { text: found } : found
      const bytes = Buffer.from(text)
      for (let at = 0; at < Math.min(bytes.length, cut); at += chunkBytes)
        yield bytes.subarray(at, Math.min(at + chunkBytes, cut, bytes.length))
      if (cut < bytes.length) throw new SourceProblem('the connection ended')
    },
  }
}

export const linesOf = (...resources: object[]): string => resources.map((each) => `${JSON.stringify(each)}\n`).join('')

export const patient = (id: string, n: number) => ({ resourceType: 'Patient', id, multipleBirthInteger: n })

/** What is there: the resources that are not deleted, by their names, with the number that they hold. */
export async function stateOf(tenant: Tenant): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for await (const { transactions } of tenant.commits())
    for (const { events } of transactions)
      for (const event of events) {
        if (event.type === 'AnnalsSaga') continue
        const key = `${event.type}/${event.id}`
        if (event.deleted) delete found[key]
        else found[key] = event.json<{ multipleBirthInteger?: unknown }>().multipleBirthInteger
      }
  return found
}

export async function allOf<A>(some: AsyncIterable<A>): Promise<A[]> {
  const found: A[] = []
  for await (const each of some) found.push(each)
  return found
}

export const resultsOf = (tenant: Tenant, manifest: string, file = 0): Promise<LineResult[]> =>
  allOf(tenant.submissions.results(name, manifest, file))

export const conflictsOf = (tenant: Tenant): Promise<UndoConflict[]> => allOf(tenant.submissions.conflicts(name))
