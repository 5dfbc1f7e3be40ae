/** What is known of submissions and their manifests, each a document of its own: parallel manifests lose no counts. */
import * as t from 'io-ts'
import { encodeSegment, submissionPrefix, submissionsPrefix } from '../../../domain/keys.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { everyKey, everyName } from '../../../domain/walk.js'
import { makeDocuments } from '../documents.js'
import type { LineCounts, SubmissionName } from './api.js'

const submissionFormat = 'annals-submission/1'
const manifestFormat = 'annals-submission-manifest/1'

const OptionsCodec = t.partial({
  mode: t.union([t.literal('create-or-update'), t.literal('merge-patch'), t.literal('create-only')]),
  allowUpdates: t.boolean,
  continueOnError: t.boolean,
  maxErrors: t.number,
  keep: t.union([t.literal('packed'), t.literal('each-line')]),
  actor: t.string,
  reason: t.string,
})

const UndoneCodec = t.type({ transactions: t.number, resources: t.number, conflicts: t.number })

const SubmissionCodec = t.intersection([
  t.type({
    format: t.string,
    submitter: t.string,
    submission: t.string,
    state: t.union([t.literal('in-progress'), t.literal('completed'), t.literal('stopping'), t.literal('stopped')]),
    options: OptionsCodec,
    /** The head of each log at the beginning: what the submission wrote stands behind it. */
    heads: t.array(t.number),
    groups: t.type({ lines: t.number, bytes: t.number }),
    begun: t.string,
  }),
  t.partial({ undone: UndoneCodec }),
])
export type SubmissionDocument = t.TypeOf<typeof SubmissionCodec>

const CountsCodec = t.type({
  lines: t.number,
  created: t.number,
  updated: t.number,
  deleted: t.number,
  unchanged: t.number,
  skipped: t.number,
  validationErrors: t.number,
  processingErrors: t.number,
})

const FileCodec = t.intersection([
  t.type({
    url: t.string,
    kind: t.union([t.literal('resources'), t.literal('deletions')]),
    /** Groups of lines that are done, and the lines in them, blank ones and all. */
    groups: t.number,
    line: t.number,
    isDone: t.boolean,
    /** Whether it could not be read to its end. */
    isCut: t.boolean,
    counts: CountsCodec,
  }),
  t.partial({ type: t.string, count: t.number, problem: t.string }),
])
export type FileDocument = t.TypeOf<typeof FileCodec>

const ManifestCodec = t.intersection([
  t.type({
    format: t.string,
    id: t.string,
    state: t.union([
      t.literal('pending'),
      t.literal('processing'),
      t.literal('completed'),
      t.literal('failed'),
      t.literal('replaced'),
    ]),
    files: t.array(FileCodec),
    /** In each log: what is not known yet to be done stands there or behind it. */
    from: t.array(t.number),
    added: t.string,
  }),
  t.partial({
    url: t.string,
    /** Whether `files` are all that the manifest at `url` names. */
    isRead: t.boolean,
    headers: t.record(t.string, t.string),
    error: t.string,
    replaces: t.string,
    /** Of one that was replaced: what was taken back. */
    undone: UndoneCodec,
  }),
])
export type ManifestDocument = t.TypeOf<typeof ManifestCodec>

export const noCounts: LineCounts = {
  lines: 0,
  created: 0,
  updated: 0,
  deleted: 0,
  unchanged: 0,
  skipped: 0,
  validationErrors: 0,
  processingErrors: 0,
}

export function sumOf(all: ReadonlyArray<LineCounts>): LineCounts {
  const sum: Record<keyof LineCounts, number> = { ...noCounts }
  for (const counts of all) for (const name of Object.keys(sum) as (keyof LineCounts)[]) sum[name] += counts[name]
  return sum
}

export type Journal = ReturnType<typeof makeJournal>

export function makeJournal(blobs: BlobStore, tenant: string) {
  const submissions = makeDocuments(blobs, SubmissionCodec, submissionFormat)
  const manifests = makeDocuments(blobs, ManifestCodec, manifestFormat)
  const prefixOf = ({ submitter, submission }: SubmissionName): string =>
    submissionPrefix(tenant, submitter, submission)
  const stateKey = (name: SubmissionName): string => `${prefixOf(name)}state.json`
  const manifestKey = (name: SubmissionName, id: string): string =>
    `${prefixOf(name)}manifests/${encodeSegment(id)}.json`

  return {
    prefixOf,
    read: (name: SubmissionName) => submissions.read(stateKey(name)),
    begin: (name: SubmissionName, document: Omit<SubmissionDocument, 'format'>) =>
      submissions.create(stateKey(name), { format: submissionFormat, ...document }),
    change: (name: SubmissionName, next: (current: SubmissionDocument) => SubmissionDocument | undefined) =>
      submissions.change(stateKey(name), next),
    readManifest: (name: SubmissionName, id: string) => manifests.read(manifestKey(name, id)),
    addManifest: (name: SubmissionName, document: Omit<ManifestDocument, 'format'>) =>
      manifests.create(manifestKey(name, document.id), { format: manifestFormat, ...document }),
    changeManifest: (
      name: SubmissionName,
      id: string,
      next: (current: ManifestDocument) => ManifestDocument | undefined,
    ) => manifests.change(manifestKey(name, id), next),
    async manifests(name: SubmissionName): Promise<ManifestDocument[]> {
      const found: ManifestDocument[] = []
      for await (const key of everyKey(blobs, `${prefixOf(name)}manifests/`)) {
        const manifest = await manifests.read(key)
        if (manifest !== undefined) found.push(manifest)
      }
      return found.sort((a, b) => (a.added < b.added ? -1 : a.added > b.added ? 1 : a.id < b.id ? -1 : 1))
    },
    async *names(): AsyncGenerator<SubmissionName> {
      for await (const [submitter = '', submission = ''] of everyName(blobs, submissionsPrefix(tenant), 2))
        yield { submitter, submission }
    },
  }
}
