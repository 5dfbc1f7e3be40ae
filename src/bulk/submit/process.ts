/**
 * Processes a manifest: file by file, group by group. Of each group the input is kept first, then its lines are written, then what became
 * of them, and last how far the file is done. Whoever goes on with it does the same again, and writes no line twice.
 */
import {
  type BlobStore,
  type Clock,
  type Ids,
  type NamedFile,
  SourceProblem,
  type Sources,
} from '../../../domain/ports/index.js'
import type { Lease } from '../../lease.js'
import type { Limits } from '../../limits.js'
import { writtenBy } from '../../saga/fence.js'
import type { Tenant } from '../../store.js'
import type { ProcessOptions, SubmissionName } from './api.js'
import {
  type FileDocument,
  type Journal,
  type ManifestDocument,
  noCounts,
  type SubmissionDocument,
  sumOf,
} from './journal.js'
import { correlationOf, fencedLogs, manifestKeys } from './names.js'
import { checkErrors, ManifestEnds, processFile } from './process-file.js'
import type { WriteDeps } from './write-group.js'

export interface ProcessDeps {
  readonly tenant: Tenant
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  readonly journal: Journal
  readonly sources: Sources
}

export async function processManifest(
  deps: ProcessDeps,
  submission: SubmissionDocument,
  id: string,
  lease: Lease,
  options: ProcessOptions,
): Promise<void> {
  const { journal } = deps
  const wasBegun = (await journal.readManifest(submission, id))?.state === 'processing'
  let manifest = await journal.changeManifest(submission, id, (current) =>
    current.state === 'pending' ? { ...current, state: 'processing' } : undefined,
  )
  if (manifest.state !== 'processing') return
  const { signal = new AbortController().signal } = options
  try {
    manifest = await withFiles(deps, submission, manifest, signal)
    const write = await writeDeps(deps, submission, manifest, wasBegun, signal)
    // Whoever was at it may have died before it was ended for them.
    checkErrors(submission, sumOf(manifest.files.map(({ counts }) => counts)))
    const meter = { bytes: 0, reached: manifest.from }
    for (const [file, { isDone }] of manifest.files.entries()) {
      if (signal.aborted) return
      if (!isDone) await processFile(deps, { submission, manifest: id, file, write, lease, options, meter })
    }
    if (!signal.aborted) await end(deps, submission, id, undefined)
  } catch (error) {
    if (!(error instanceof ManifestEnds || error instanceof SourceProblem)) throw error
    if (signal.aborted) return
    await end(deps, submission, id, error.message)
  }
}

/** Failed, where it or one of its files could not be read to the end. */
async function end(
  { journal }: ProcessDeps,
  name: SubmissionName,
  id: string,
  error: string | undefined,
): Promise<void> {
  await journal.changeManifest(name, id, ({ headers: _, ...current }) => {
    if (current.state !== 'processing') return undefined
    const isCut = error !== undefined || current.files.some((file) => file.isCut)
    return { ...current, state: isCut ? 'failed' : 'completed', ...(error === undefined ? undefined : { error }) }
  })
}

/** A manifest at a URL is read once: what it names is then known for good. */
async function withFiles(
  { journal, sources }: ProcessDeps,
  name: SubmissionName,
  manifest: ManifestDocument,
  signal: AbortSignal,
): Promise<ManifestDocument> {
  if (manifest.url === undefined || manifest.isRead === true) return manifest
  const files = (await sources.manifest(manifest.url, manifest.headers ?? {}, signal)).map(fileDocument)
  return journal.changeManifest(name, manifest.id, (current) =>
    current.isRead === true || current.state !== 'processing' ? undefined : { ...current, files, isRead: true },
  )
}

export const fileDocument = ({ kind = 'resources', ...file }: NamedFile): FileDocument => ({
  ...file,
  kind,
  groups: 0,
  line: 0,
  isDone: false,
  isCut: false,
  counts: noCounts,
})

async function writeDeps(
  deps: ProcessDeps,
  submission: SubmissionDocument,
  manifest: ManifestDocument,
  wasBegun: boolean,
  signal: AbortSignal,
): Promise<WriteDeps> {
  const { options } = submission
  const logs = fencedLogs(deps.tenant, submission, manifest.id)
  const correlation = correlationOf(submission)
  const known = await Promise.all(
    logs.map(async ({ tenant }, partition) =>
      wasBegun ? writtenBy(tenant, correlation, Math.max(0, (manifest.from[partition] ?? 0) - 1)) : new Map(),
    ),
  )
  return {
    ...deps,
    logs,
    known,
    options,
    signal,
    audit: {
      ...(options.actor === undefined ? undefined : { actor: options.actor }),
      ...(options.reason === undefined ? undefined : { reason: options.reason }),
      correlation,
      causation: manifestKeys(submission, manifest.id),
    },
  }
}
