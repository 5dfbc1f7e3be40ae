/** How a submission is named in the log: its correlation, the request keys of its groups, and its fences. */
import { sha256 } from '../../../domain/commit.js'
import { type AnnalsError, annalsError, isAnnalsError } from '../../../domain/error.js'
import { encodeSegment } from '../../../domain/keys.js'
import type { OperationInput } from '../../api.js'
import { fenceIdIn, raiseFence, unfenced } from '../../saga/fence.js'
import type { Tenant } from '../../store.js'
import type { SubmissionName } from './api.js'

export const correlationOf = ({ submitter, submission }: SubmissionName): string =>
  `submission:${encodeSegment(submitter)}/${encodeSegment(submission)}`

/** What the request keys of a manifest begin with. */
export const manifestKeys = (name: SubmissionName, manifest: string): string =>
  `${correlationOf(name)}:${encodeSegment(manifest)}:`

export const groupKey = (name: SubmissionName, manifest: string, file: number, group: number): string =>
  `${manifestKeys(name, manifest)}${file}:${group}`

/** Of half of what has the key. */
export const halfKey = (key: string, half: 0 | 1): string => `${key}/${half}`
export const isPartOf = (part: string, key: string): boolean => part.startsWith(`${key}/`)

const undoing = ':undo'
export const undoKey = (request: string): string => `${request}${undoing}`
export const isUndoKey = (request: string): boolean => /:undo(\/[01])*$/.test(request)

/** A log, and the ids of what nothing of the submission or of the manifest is written behind. */
export interface FencedLog {
  readonly tenant: Tenant
  readonly fences: ReadonlyArray<string>
}

/** `manifest`: its own fence, too. */
export const fencedLogs = (tenant: Tenant, name: SubmissionName, manifest?: string): ReadonlyArray<FencedLog> =>
  tenant.partitions.map((log, partition) => {
    const said = [correlationOf(name), ...(manifest === undefined ? [] : [manifestKeys(name, manifest)])]
    const fences = said.map((text) =>
      fenceIdIn(`bulk-${sha256(text).slice(0, 40)}`, partition, tenant.partitions.length),
    )
    return { tenant: log, fences }
  })

export const unfencedAll = ({ tenant, fences }: FencedLog): OperationInput[] =>
  fences.map((fence) => unfenced({ tenant, fence }))

/** Behind the last of its fences. What was under way is in each log before it, or never will be. */
export async function raiseFences(logs: ReadonlyArray<FencedLog>, name: SubmissionName): Promise<void> {
  for (const { tenant, fences } of logs)
    await raiseFence({ tenant, fence: fences.at(-1) as string }, `${correlationOf(name)}:fence`)
}

const what = 'the submission'

/** It was aborted or replaced, its process is to stop, or somebody else has taken it up. */
export const stopped = (): AnnalsError => annalsError('Cancelled', { what })

/** Not where the store itself is closed. */
export const isStopped = (error: unknown): boolean =>
  isAnnalsError(error) && error._tag === 'Cancelled' && error.data.what === what
