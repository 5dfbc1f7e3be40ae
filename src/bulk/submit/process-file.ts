/** Processes the lines of one file, from the group where it was left. */
import { defaultFhirVersion, type FhirVersion } from '../../../domain/fhir/version.js'
import { type BlobStore, SourceProblem, type Sources } from '../../../domain/ports/index.js'
import { refKey } from '../../../domain/resource.js'
import type { Lease } from '../../lease.js'
import type { Limits } from '../../limits.js'
import type { ProcessOptions } from './api.js'
import { type Group, groupsOf } from './groups.js'
import type { FileDocument, Journal, ManifestDocument, SubmissionDocument } from './journal.js'
import { sumOf } from './journal.js'
import { type GroupPlace, keepInput, keepResults, resultsOf } from './kept.js'
import { groupKey, stopped } from './names.js'
import { type Rejected, readLine, type Wanted } from './read-line.js'
import { type Effect, type WriteDeps, writeGroup } from './write-group.js'

export interface FileDeps {
  readonly blobs: BlobStore
  readonly journal: Journal
  readonly limits: Limits
  readonly sources: Sources
}

export interface FileWork {
  readonly submission: SubmissionDocument
  readonly manifest: string
  readonly file: number
  readonly write: WriteDeps
  readonly lease: Lease
  readonly options: ProcessOptions
  /** What has been read of the manifest's files, and where in each log what is done stands or before it. */
  readonly meter: { bytes: number; reached: ReadonlyArray<number> }
}

/** Ends the manifest, for a reason that its status tells. */
export class ManifestEnds extends Error {}

/** Groups that are written side by side, where lines do not depend on what is there. */
const groupsAhead = 3

/** A group that is under way. */
interface Underway {
  readonly group: Group
  readonly wanted: ReadonlyArray<Wanted>
  /** The resources of what is wanted. */
  readonly refs: ReadonlySet<string>
  readonly rejected: ReadonlyArray<Rejected>
  readonly effects: Promise<ReadonlyArray<Effect>>
  /** In each log: what it writes stands behind that. */
  readonly after: ReadonlyArray<number>
}

export async function processFile(deps: FileDeps, work: FileWork): Promise<void> {
  const { submission, write } = work
  const manifest = (await deps.journal.readManifest(submission, work.manifest)) as ManifestDocument
  const file = manifest.files[work.file] as FileDocument
  const { mode = 'create-or-update', allowUpdates = true, continueOnError = true, maxErrors = 0 } = submission.options
  // Behind the error that ends a manifest nothing is written.
  const canGoOn = continueOnError && maxErrors === 0
  const ahead = mode === 'create-or-update' && allowUpdates && canGoOn ? groupsAhead : 1
  const underway: Underway[] = []
  const settle = async (most: number): Promise<void> => {
    while (underway.length > most) await settled(deps, work, underway.shift() as Underway, underway[0])
  }
  let seen = 0
  try {
    const chunks = deps.sources.open(file.url, manifest.headers ?? {}, write.signal)
    for await (const group of groupsOf(chunks, submission.groups, deps.limits.maxBodyBytes)) {
      work.meter.bytes += bytesOf(group)
      seen++
      if (seen === file.groups) await keep(deps, work, group)
      if (seen <= file.groups) continue
      await settle(ahead - 1)
      if (write.signal.aborted) return
      const next = read(work, file, group)
      // Lines of one resource are written in their order.
      if (underway.some(({ refs }) => haveInCommon(refs, next.refs))) await settle(0)
      underway.push(await begun(deps, work, next))
    }
    if (seen < file.groups) throw new SourceProblem(isAnother)
    await settle(0)
    await fileEnds(deps, work)
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error
    await settle(0)
    if (!write.signal.aborted) await fileEnds(deps, work, error.message)
  } finally {
    await Promise.allSettled(underway.map(({ effects }) => effects))
  }
}

/** With their line ends. */
const bytesOf = ({ lines }: Group): number => lines.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0) + 1, 0)

type Lines = Omit<Underway, 'effects' | 'after'>

function read(work: FileWork, file: FileDocument, group: Group): Lines {
  const { submission, manifest } = work
  const key = groupKey(submission, manifest, work.file, group.index)
  const lines = submission.options.continueOnError === false ? upToFirstError(work, file, group, key) : group.lines
  const all = lines.map(({ number, bytes }) => readLine(file, versionOf(work), number, bytes, key))
  const wanted = all.flatMap((each) => ('issue' in each ? [] : each))
  return {
    group: { ...group, lines },
    wanted,
    refs: new Set(wanted.map(refKey)),
    rejected: all.flatMap((each) => ('issue' in each ? [each] : [])),
  }
}

function haveInCommon(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const each of others) if (some.has(each)) return true
  return false
}

async function begun(deps: FileDeps, work: FileWork, lines: Lines): Promise<Underway> {
  const { submission, manifest, file, write, meter } = work
  const { group, wanted } = lines
  await keep(deps, work, group)
  const after = meter.reached
  const key = groupKey(submission, manifest, file, group.index)
  const effects = wanted.length === 0 ? Promise.resolve([]) : writeGroup(write, key, wanted)
  // A failure is met when its turn comes.
  effects.catch(() => undefined)
  return { ...lines, effects, after }
}

const isAnother = 'it is not what it was when its first lines were submitted'

/** What was kept of the group is what it is: a file that says something else by now is another file. */
async function keep(deps: FileDeps, work: FileWork, group: Group): Promise<void> {
  if (!(await keepInput(deps.blobs, placeOf(deps, work, group), group))) throw new SourceProblem(isAnother)
}

const versionOf = ({ write }: FileWork): FhirVersion => write.tenant.fhirVersion ?? defaultFhirVersion

function upToFirstError(work: FileWork, file: FileDocument, { lines }: Group, key: string): Group['lines'] {
  const first = lines.findIndex(({ number, bytes }) => 'issue' in readLine(file, versionOf(work), number, bytes, key))
  return first < 0 ? lines : lines.slice(0, first + 1)
}

const placeOf = (deps: FileDeps, { submission, manifest, file }: FileWork, { index }: Group): GroupPlace => ({
  prefix: deps.journal.prefixOf(submission),
  manifest,
  file,
  group: index,
  keep: submission.options.keep ?? 'packed',
})

/** Waits for a group, keeps what became of its lines, and then that it is done. `next`: the one behind it, if it has begun. */
async function settled(
  deps: FileDeps,
  work: FileWork,
  { group, wanted, rejected, effects }: Underway,
  next: Underway | undefined,
): Promise<void> {
  const { submission, manifest, file, lease, options, meter } = work
  const done = await effects
  const { results, counts } = resultsOf(group, wanted, rejected, done)
  await keepResults(deps.blobs, placeOf(deps, work, group), results)
  meter.reached = advanced(meter.reached, done)
  const from = next?.after ?? meter.reached
  const stands = await deps.journal.changeManifest(submission, manifest, (current) => {
    const known = current.files[file] as FileDocument
    if (current.state !== 'processing' || known.groups !== group.index) return undefined
    const line = group.lines.at(-1)?.number ?? known.line
    const progress = { ...known, groups: group.index + 1, line, counts: sumOf([known.counts, counts]) }
    return { ...current, from: [...from], files: current.files.with(file, progress) }
  })
  if (!(await lease.renew())) throw stopped()
  const all = sumOf(stands.files.map((each) => each.counts))
  options.onProgress?.({ manifest, counts: all, bytes: meter.bytes })
  checkErrors(submission, all)
}

/** In each log: the last of what is done. */
function advanced(from: ReadonlyArray<number>, effects: ReadonlyArray<Effect>): number[] {
  const next = [...from]
  for (const { position } of effects)
    if (position !== undefined) next[position.partition] = Math.max(next[position.partition] ?? 0, position.seq)
  return next
}

export function checkErrors({ options }: SubmissionDocument, counts: ReturnType<typeof sumOf>): void {
  const { continueOnError = true, maxErrors = 0 } = options
  const errors = counts.validationErrors + counts.processingErrors
  if (!continueOnError && errors > 0) throw new ManifestEnds('a line failed, and errors are not to be passed over')
  if (maxErrors > 0 && errors > maxErrors) throw new ManifestEnds(`more than ${maxErrors} lines failed`)
}

async function fileEnds(
  { journal }: FileDeps,
  { submission, manifest, file }: FileWork,
  problem?: string,
): Promise<void> {
  await journal.changeManifest(submission, manifest, (current) => {
    const known = current.files[file] as FileDocument
    if (current.state !== 'processing' || known.isDone) return undefined
    const { count, counts } = known
    const miscounted =
      count !== undefined && count !== counts.lines
        ? `it has ${counts.lines} lines, its manifest says ${count}`
        : undefined
    const said = problem === undefined ? miscounted : `${problem}; nothing behind line ${known.line} was submitted`
    const next = {
      ...known,
      isDone: true,
      isCut: problem !== undefined,
      ...(said === undefined ? undefined : { problem: said }),
    }
    return { ...current, files: current.files.with(file, next) }
  })
}
