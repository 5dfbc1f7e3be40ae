/** A store in memory that several processes share, each behind ports that a test breaks, and what an export of it holds. */
import { run } from '../../domain/task.js'
import type { ExportJob, ExportOptions, ExportStatus } from '../../src/index.js'
import type { Limits } from '../../src/limits.js'
import type { Store, Tenant } from '../../src/store.js'
import { type Fate, through } from '../copy/faults.js'
import { openStore, sharedMemory } from '../store/processes.js'

export type Place = ReturnType<typeof makePlace>

/** So small that even a short log has many parts and checkpoints. */
export const tightBounds: Partial<Limits> = {
  exportPartBytes: 600,
  exportBufferBytes: 1_500,
  exportCheckpointBytes: 300_000,
}

export function makePlace() {
  const shared = sharedMemory()
  const { clock, blobs, pointers } = shared
  const open = (limits: Partial<Limits> = {}, fate?: Fate): Promise<Store> =>
    openStore(shared, { limits, ...(fate && through(fate)) })
  /** Every object below a prefix, by what follows it. */
  async function objects(prefix: string): Promise<Map<string, string>> {
    const { entries } = await run(blobs.list(prefix, { limit: 100_000 }))
    const found = new Map<string, string>()
    for (const { key } of entries)
      found.set(key.slice(prefix.length), Buffer.from((await run(blobs.get(key)))?.bytes ?? []).toString())
    return found
  }
  return { clock, blobs, pointers, open, objects }
}

/** Another place with the same objects and items. */
export async function copyOf(place: Place): Promise<Place> {
  const copy = makePlace()
  const { entries } = await run(place.blobs.list('', { limit: 100_000 }))
  for (const { key } of entries)
    await run(copy.blobs.createIfAbsent(key, (await run(place.blobs.get(key)))?.bytes ?? new Uint8Array()))
  const { items } = await run(place.pointers.scan({ pkPrefixes: [''], limit: 100_000 }))
  await run(copy.pointers.putAll(items.map(({ rev: _, ...item }) => item)))
  return copy
}

/** What an export holds, as the state of a tenant. */
export interface Exported {
  readonly status: ExportStatus
  /** Bodies by `Type/id`. */
  readonly resources: Map<string, string>
  readonly deleted: string[]
  readonly errors: string[]
  /** Every part by its name. */
  readonly files: Map<string, string>
}

export async function exported(tenant: Tenant, options: ExportOptions = {}): Promise<Exported> {
  return contentsOf(tenant, await tenant.export(options))
}

/** The end of an export, read back part by part. Throws if a resource or a deletion comes twice, or a count is wrong. */
export async function contentsOf(tenant: Tenant, job: ExportJob): Promise<Exported> {
  const status = await job.done()
  const found = { status, resources: new Map<string, string>(), deleted: [] as string[], errors: [] as string[] }
  const files = new Map<string, string>()
  let bytes = 0
  for (const { name, kind, type, count, bytes: size } of status.parts) {
    const text = Buffer.from(await tenant.exports.read(job.id, name)).toString()
    files.set(name, text)
    const lines = text.split('\n').slice(0, -1)
    if (!text.endsWith('\n') || lines.length !== count || Buffer.byteLength(text) !== size)
      throw new Error(
        `${name} has ${lines.length} lines, ${Buffer.byteLength(text)} bytes: ${count}, ${size} were told`,
      )
    for (const line of lines) {
      if (kind === 'error') found.errors.push(line)
      else if (kind === 'deleted') found.deleted.push(...deletionsIn(line))
      else {
        const key = `${type}/${idOf(line)}`
        if (found.resources.has(key)) throw new Error(`${key} is there twice`)
        found.resources.set(key, line)
        bytes += Buffer.byteLength(line) + 1
      }
    }
  }
  if (new Set(found.deleted).size !== found.deleted.length) throw new Error('a deletion is there twice')
  if (found.deleted.some((key) => found.resources.has(key))) throw new Error('what is deleted is there')
  const { progress } = status
  if (progress.resources !== found.resources.size || progress.bytes !== bytes)
    throw new Error(`${found.resources.size} resources in ${bytes} bytes, told were ${JSON.stringify(progress)}`)
  return { ...found, files }
}

const idOf = (line: string): string => JSON.parse(line).id

const deletionsIn = (line: string): string[] => {
  const { resourceType, type, entry } = JSON.parse(line)
  if (resourceType !== 'Bundle' || type !== 'transaction') throw new Error(`no transaction: ${line}`)
  return entry.map(({ request }: { request: { method: string; url: string } }) => {
    if (request.method !== 'DELETE') throw new Error(`no deletion: ${line}`)
    return request.url
  })
}

/** The state of a tenant at an instant by another way: all its commits from the first on. */
export async function stateAt(
  tenant: Tenant,
  instant: string,
  since = '',
): Promise<Pick<Exported, 'resources' | 'deleted'>> {
  const last = new Map<string, { readonly at: string; readonly text: string | undefined }>()
  for (const log of tenant.partitions)
    for await (const { at, transactions } of log.commits())
      if (at <= instant)
        for (const { events } of transactions)
          for (const event of events)
            last.set(`${event.type}/${event.id}`, { at, text: event.deleted ? undefined : event.text() })
  const resources = new Map<string, string>()
  const deleted: string[] = []
  for (const [key, { at, text }] of last)
    if (at < since) continue
    else if (text !== undefined) resources.set(key, text)
    else if (since !== '' && !key.startsWith('AnnalsSaga/')) deleted.push(key)
  return { resources, deleted: deleted.sort() }
}

export const sorted = (map: ReadonlyMap<string, string>): [string, string][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))
