/** Documents of the journal as callers see them. */
import type { ManifestStatus, SubmissionStatus } from './api.js'
import { type ManifestDocument, type SubmissionDocument, sumOf } from './journal.js'

export const manifestStatus = ({
  id,
  url,
  state,
  files,
  error,
  replaces,
  undone,
  added,
}: ManifestDocument): ManifestStatus => ({
  id,
  ...(url === undefined ? undefined : { url }),
  state,
  files: files.map(({ url, kind, type, count, isDone, problem, counts }) => ({
    url,
    kind,
    ...(type === undefined ? undefined : { type }),
    ...(count === undefined ? undefined : { count }),
    isDone,
    ...(problem === undefined ? undefined : { problem }),
    counts,
  })),
  counts: sumOf(files.map(({ counts }) => counts)),
  ...(error === undefined ? undefined : { error }),
  ...(replaces === undefined ? undefined : { replaces }),
  ...(undone === undefined ? undefined : { undone }),
  added,
})

export function submissionStatus(
  { submitter, submission, state, options, begun, undone }: SubmissionDocument,
  documents: ReadonlyArray<ManifestDocument>,
): SubmissionStatus {
  const manifests = documents.map(manifestStatus)
  return {
    submitter,
    submission,
    state,
    options,
    begun,
    manifests,
    counts: sumOf(manifests.filter(({ state }) => state !== 'replaced').map(({ counts }) => counts)),
    hasWork: state === 'stopping' || (state !== 'stopped' && manifests.some(isUnfinished)),
    isEnded: state === 'stopped' || (state === 'completed' && !manifests.some(isUnfinished)),
    ...(undone === undefined ? undefined : { undone }),
  }
}

const isUnfinished = ({ state, undone }: ManifestStatus): boolean =>
  state === 'pending' || state === 'processing' || (state === 'replaced' && undone === undefined)
