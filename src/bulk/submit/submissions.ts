/** The submissions of a tenant: begins, extends, processes, reports and takes them back, in any process. */
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { formatInstant } from '../../../domain/instant.js'
import { bulkPk, encodeSegment } from '../../../domain/keys.js'
import {
  type BlobStore,
  type Clock,
  type Ids,
  type PointerStore,
  SourceProblem,
  type Sources,
} from '../../../domain/ports/index.js'
import { attempt, run } from '../../../domain/task.js'
import { childOf } from '../../../projections/stopping.js'
import { keepLease, type Lease, leaseIfPossible } from '../../lease.js'
import type { Limits } from '../../limits.js'
import { promised } from '../../promised.js'
import type { Tenant } from '../../store.js'
import type {
  ManifestInput,
  ProcessOptions,
  SubmissionName,
  SubmissionOptions,
  SubmissionStatus,
  Submissions,
  SubmissionsFp,
  UndoConflict,
} from './api.js'
import { checkManifest, checkName, checkOptions, isSame } from './input.js'
import { type ManifestDocument, makeJournal, type SubmissionDocument } from './journal.js'
import { fileFolder } from './kept.js'
import { correlationOf, isStopped } from './names.js'
import { processManifest } from './process.js'
import { linesIn } from './read-kept.js'
import { manifestStatus, submissionStatus } from './status.js'
import { takeBack } from './undo.js'
import { undoLine } from './undo-line.js'
import { offer, offered } from './worker.js'

export interface SubmissionsDeps {
  readonly tenant: Tenant
  readonly blobs: BlobStore
  readonly pointers: PointerStore
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: Limits
  readonly sources?: Sources
}

const nowhere: Sources = {
  manifest: async () => {
    throw new SourceProblem('nothing can be read from here')
  },
  // biome-ignore lint/correctness/useYield: there is nothing to read
  async *open() {
    throw new SourceProblem('nothing can be read from here')
  },
}

/** How often to look whether others have come to an end, in milliseconds. */
const pollMs = 500

export function makeSubmissions(deps: SubmissionsDeps): Submissions & { readonly fp: SubmissionsFp } {
  const { tenant, blobs, clock, limits, sources = nowhere } = deps
  const journal = makeJournal(blobs, tenant.name)
  const heads = () => Promise.all(tenant.partitions.map(async (log) => (await log.head()).seq))

  async function known(name: SubmissionName): Promise<SubmissionDocument> {
    const found = await journal.read(checkName(name))
    if (found !== undefined) return found
    throw invalid('submission', 'there is none of this name; begin it first')
  }

  async function reported(document: SubmissionDocument): Promise<SubmissionStatus> {
    return submissionStatus(document, await journal.manifests(document))
  }

  async function begin(name: SubmissionName, options: SubmissionOptions): Promise<SubmissionStatus> {
    if (tenant.kind !== 'fhir')
      throw annalsError('NotSupported', { what: 'submission', problem: 'it takes a tenant of the kind fhir' })
    const { submitter, submission } = checkName(name)
    const said = checkOptions(options)
    const document = await journal.begin(name, {
      submitter,
      submission,
      state: 'in-progress',
      options: said,
      heads: await heads(),
      groups: { lines: Math.ceil(limits.maxCommitEvents / 2), bytes: Math.ceil(limits.maxCommitBytes / 2) },
      begun: formatInstant(clock.now()),
    })
    if (JSON.stringify(document.options) !== JSON.stringify(said))
      throw invalid('submission', 'it was begun with other options, which never change')
    return reported(document)
  }

  async function add(name: SubmissionName, input: ManifestInput) {
    const submission = await known(name)
    if (submission.state !== 'in-progress')
      throw invalid('submission', `it is ${submission.state}, and takes no more manifests`)
    const document = checkManifest(input)
    if (document.replaces !== undefined && (await journal.readManifest(name, document.replaces)) === undefined)
      throw invalid('replaces', 'the submission has no such manifest')
    const stands = await journal.addManifest(name, {
      ...document,
      state: 'pending',
      from: await heads(),
      added: formatInstant(clock.now()),
    })
    if (!isSame(stands, document)) throw invalid('manifest', 'there is another one of this id')
    if (document.replaces !== undefined) await replaced(name, document.replaces)
    await offer(deps.pointers, tenant.name, name)
    return manifestStatus(stands)
  }

  const replaced = (name: SubmissionName, id: string): Promise<ManifestDocument> =>
    journal.changeManifest(name, id, ({ headers: _, ...current }) =>
      current.state === 'replaced' ? undefined : { ...current, state: 'replaced' },
    )

  async function discard(name: SubmissionName, id: string) {
    const submission = await known(name)
    if (submission.state !== 'in-progress')
      throw invalid('submission', `it is ${submission.state}, and none of its manifests can be discarded`)
    if ((await journal.readManifest(name, id)) === undefined)
      throw invalid('manifest', 'the submission has none of this id')
    await replaced(name, id)
    await offer(deps.pointers, tenant.name, name)
    await takeBackManifest(submission, id)
    return manifestStatus((await journal.readManifest(name, id)) as ManifestDocument)
  }

  async function move(name: SubmissionName, from: SubmissionDocument['state'][], to: SubmissionDocument['state']) {
    return journal.change(name, (current) => (from.includes(current.state) ? { ...current, state: to } : undefined))
  }

  async function complete(name: SubmissionName): Promise<SubmissionStatus> {
    await known(name)
    const document = await move(name, ['in-progress'], 'completed')
    if (document.state !== 'completed') throw invalid('submission', `it is ${document.state}`)
    const status = await reported(document)
    if (status.hasWork) await offer(deps.pointers, tenant.name, name)
    return status
  }

  async function abort(name: SubmissionName): Promise<SubmissionStatus> {
    await known(name)
    const document = await move(name, ['in-progress', 'completed'], 'stopping')
    if (document.state === 'stopping') await offer(deps.pointers, tenant.name, name)
    await takeBackAll(document)
    return reported(await known(name))
  }

  const keepConflicts =
    (name: SubmissionName) =>
    async (of: string, conflicts: ReadonlyArray<UndoConflict>): Promise<void> => {
      if (conflicts.length === 0) return
      const lines = conflicts.map((conflict) => `${JSON.stringify(conflict)}\n`).join('')
      await run(blobs.put(`${conflictsFolder(name)}${of}.ndjson`, Buffer.from(lines)))
    }
  const conflictsFolder = (name: SubmissionName): string => `${journal.prefixOf(name)}conflicts/`

  /**
   * Answers whether it was done, as far as it goes: nobody else is at it. It is stopped where somebody else takes it up, and when it
   * finds that it was stopped or replaced, which takes back what it wrote.
   */
  async function leased(
    name: SubmissionName,
    part: string,
    signal: AbortSignal | undefined,
    work: (lease: Lease, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    const key = { pk: bulkPk(tenant.name), sk: `${correlationOf(name)}:${encodeSegment(part)}` }
    const lease = await leaseIfPossible(deps, key)
    if (lease === undefined) return false
    const { signal: stopping, release: stop } = childOf(signal ?? new AbortController().signal)
    const renewing = keepLease(deps, lease, stopping, stop)
    try {
      await work(lease, stopping)
    } catch (error) {
      if (!isStopped(error)) throw error
    } finally {
      stop()
      await renewing
      await lease.end()
    }
    return true
  }

  async function takeBackAll(submission: SubmissionDocument, signal?: AbortSignal): Promise<boolean> {
    if (submission.state !== 'stopping') return false
    return leased(submission, '', signal, async (lease, stopping) => {
      const undone = await takeBack({ ...deps, signal: stopping }, submission, lease, keepConflicts(submission))
      for (const { id } of await journal.manifests(submission))
        await journal.changeManifest(submission, id, ({ headers, ...current }) =>
          headers === undefined ? undefined : current,
        )
      await journal.change(submission, (current) =>
        current.state === 'stopping' ? { ...current, state: 'stopped', undone } : undefined,
      )
    })
  }

  const takeBackManifest = (submission: SubmissionDocument, id: string, signal?: AbortSignal): Promise<boolean> =>
    leased(submission, `${id}:undo`, signal, async (lease, stopping) => {
      const undone = await takeBack({ ...deps, signal: stopping }, submission, lease, keepConflicts(submission), id)
      await journal.changeManifest(submission, id, (current) => ({ ...current, undone }))
    })

  /** One after the other, what nobody else is at. Answers whether there was anything. */
  async function processOnce(name: SubmissionName, options: ProcessOptions): Promise<boolean> {
    const submission = await known(name)
    if (submission.state === 'stopping') return takeBackAll(submission, options.signal)
    if (submission.state === 'stopped') return false
    const manifests = await journal.manifests(name)
    for (const manifest of manifests) {
      const { id, state, undone } = manifest
      if (options.signal?.aborted === true) return false
      if (state === 'replaced' && undone === undefined) {
        if (await takeBackManifest(submission, id, options.signal)) return true
      } else if (
        (state === 'pending' || state === 'processing') &&
        (await hasPlace(name, manifest, manifests)) &&
        (await processManifestOf(submission, id, options))
      )
        return true
    }
    return false
  }

  /** What it replaces has to be taken back first: what is there already would be left alone, and then taken away. */
  async function hasPlace(
    name: SubmissionName,
    { replaces }: ManifestDocument,
    manifests: ReadonlyArray<ManifestDocument>,
  ): Promise<boolean> {
    const other = manifests.find(({ id }) => id === replaces)
    // Whoever added the one may have died before the other was told.
    if (other !== undefined && other.state !== 'replaced') await replaced(name, other.id)
    return other === undefined || other.undone !== undefined
  }

  const processManifestOf = (submission: SubmissionDocument, id: string, options: ProcessOptions): Promise<boolean> =>
    leased(submission, id, options.signal, (lease, signal) =>
      processManifest({ ...deps, sources, journal }, submission, id, lease, { ...options, signal }),
    )

  const fp: SubmissionsFp = {
    begin: (name, options = {}) => attempt(() => begin(name, options)),
    add: (name, manifest) => attempt(() => add(name, manifest)),
    discard: (name, manifest) => attempt(() => discard(name, manifest)),
    complete: (name) => attempt(() => complete(name)),
    abort: (name) => attempt(() => abort(name)),
    process: (name, options = {}) =>
      attempt(async () => {
        for (;;) {
          const hasWorked = await processOnce(name, options)
          const status = await reported(await known(name))
          if (options.signal?.aborted === true || (!hasWorked && (options.wait === false || !status.hasWork)))
            return status
          if (!hasWorked) await clock.sleep(pollMs, options.signal)
        }
      }),
    status: (name) =>
      attempt(async () => {
        const found = await journal.read(checkName(name))
        return found && reported(found)
      }),
    list: () =>
      attempt(async () => {
        const found: SubmissionStatus[] = []
        for await (const name of journal.names()) {
          const document = await journal.read(name)
          if (document !== undefined) found.push(await reported(document))
        }
        return found
      }),
    waiting: () => attempt(() => offered(deps.pointers, tenant.name)),
    undoLine: (name, at) =>
      attempt(async () => {
        await known(name)
        const place = { prefix: journal.prefixOf(name), manifest: at.manifest, file: at.file }
        await undoLine(tenant, linesIn(blobs, fileFolder('changes', place)), at.line)
      }),
  }
  return {
    ...promised(fp),
    results: (name, manifest, file) =>
      linesIn(blobs, fileFolder('results', { prefix: journal.prefixOf(checkName(name)), manifest, file })),
    conflicts: (name) => linesIn(blobs, conflictsFolder(checkName(name))),
    fp,
  }
}

const invalid = (what: string, problem: string): AnnalsError => annalsError('InvalidInput', { what, problem })
