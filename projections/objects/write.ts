/**
 * Writes the objects of a page. The objects of a version are created once and never change; `current.json` only moves
 * forward, by its etag, whichever worker writes late. What is there already is not written again.
 */
import { annalsError } from '../../domain/error.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { refKey } from '../../domain/resource.js'
import { mapBounded, run } from '../../domain/task.js'
import type { ProjectedEvent } from '../projection.js'
import type { EventLookup } from './check.js'
import { objectDocument, positionOf } from './document.js'
import { type ObjectPart, objectKey } from './keys.js'

export interface WriteOptions {
  readonly parts: ReadonlySet<ObjectPart>
  /**
   * In a rebuild, what is there may be wrong: it is read, and replaced where it differs. A newer document is believed only if
   * the log knows its event.
   */
  readonly rebuild?: EventLookup
  readonly signal: AbortSignal
}

/** Objects written side by side. */
const concurrency = 32
/** How often `current.json` may change under a worker before it gives up for now. */
const maxTries = 32

interface Task {
  readonly key: string
  readonly event: ProjectedEvent
  readonly document: Uint8Array
  readonly isCurrent: boolean
}

export async function writeObjects(
  blobs: BlobStore,
  tenant: string,
  events: ReadonlyArray<ProjectedEvent>,
  { parts, rebuild, signal }: WriteOptions,
): Promise<void> {
  await mapBounded(tasksOf(tenant, events, parts), concurrency, async (task) => {
    if (signal.aborted) throw annalsError('Cancelled', { what: 'writing objects' })
    await (task.isCurrent ? moveForward(blobs, task, rebuild) : createOnce(blobs, task, rebuild !== undefined))
  })
}

function tasksOf(tenant: string, events: ReadonlyArray<ProjectedEvent>, parts: ReadonlySet<ObjectPart>): Task[] {
  const last = new Map<string, ProjectedEvent>()
  for (const event of events) last.set(refKey(event.pointer), event)
  const tasks: Task[] = []
  for (const event of events) {
    const document = objectDocument(event.pointer, event.body)
    for (const part of parts) {
      const isCurrent = part === 'current'
      // Only the last of a page is worth a write.
      if (isCurrent && last.get(refKey(event.pointer)) !== event) continue
      tasks.push({ key: objectKey(tenant, part, event.pointer), event, document, isCurrent })
    }
  }
  return tasks
}

async function createOnce(blobs: BlobStore, { key, document }: Task, compare: boolean): Promise<void> {
  for (let tries = 0; tries < maxTries; tries++) {
    if ((await run(blobs.createIfAbsent(key, document))) === 'created' || !compare) return
    const found = await run(blobs.get(key))
    if (found === undefined) continue
    if (Buffer.compare(found.bytes, document) === 0) return
    if ((await run(blobs.replaceIfMatch(key, document, found.etag))) === 'replaced') return
  }
  throw contended(key)
}

async function moveForward(blobs: BlobStore, task: Task, rebuild: EventLookup | undefined): Promise<void> {
  const { key, event, document } = task
  const { pointer } = event
  for (let tries = 0; tries < maxTries; tries++) {
    // A first version is new as a rule, and a later one has something there.
    const isFirst = pointer.version === 1 && tries === 0
    if (isFirst && (await run(blobs.createIfAbsent(key, document))) === 'created') return
    const found = await run(blobs.get(key))
    if (found === undefined) {
      if ((await run(blobs.createIfAbsent(key, document))) === 'created') return
      continue
    }
    if (await isAhead(found.bytes, task, rebuild)) return
    if ((await run(blobs.replaceIfMatch(key, document, found.etag))) === 'replaced') return
  }
  throw contended(key)
}

/** Whether what is there is this document or a later one. */
async function isAhead(
  there: Uint8Array,
  { event, document }: Task,
  rebuild: EventLookup | undefined,
): Promise<boolean> {
  const { pointer } = event
  const position = positionOf(there)
  const order = position === undefined ? -1 : position.seq - pointer.seq || position.index - pointer.index
  if (position === undefined || order < 0) return false
  if (rebuild === undefined) return true
  if (order === 0) return Buffer.compare(there, document) === 0
  const later = await rebuild.at(position)
  return later !== undefined && refKey(later) === refKey(pointer)
}

const contended = (key: string) =>
  annalsError('Unavailable', { operation: 'project', key, cause: 'it changes faster than it can be replaced' })
