/** What is told of an export, from its state. */
import type { AnnalsError } from '../../../domain/error.js'
import { formatInstant } from '../../../domain/instant.js'
import type { ExportProgress, ExportStatus } from './api.js'
import { isEnded } from './drive.js'
import { partsIn } from './parts.js'
import { failureOf, type StoredExport } from './state.js'

/** When what it has written may be removed: some time after its end, or after it was left to itself. */
export const expiryOf = ({ movedAt, endedAt = movedAt, keepMs }: StoredExport): number => endedAt + keepMs * 1000

/** `live`: what is known of its progress beyond the last checkpoint. */
export function statusOf(state: StoredExport, live?: ExportProgress): ExportStatus {
  const { id, actor, note, instant, createdAt, endedAt, progress, parts, request } = state
  const { to } = request
  const failure = failureOf(state)
  const isAhead = live !== undefined && live.commits > progress.commits && !isEnded(state)
  const { commits, total, resources, bytes } = isAhead ? live : progress
  return {
    id,
    state: state.state,
    ...(actor === undefined ? undefined : { actor }),
    ...(note === undefined ? undefined : { note }),
    transactionTime: formatInstant(instant),
    createdAt: formatInstant(createdAt),
    ...(endedAt === undefined ? undefined : { endedAt: formatInstant(endedAt) }),
    ...(endedAt === undefined ? undefined : { expiresAt: formatInstant(expiryOf(state)) }),
    progress: { commits, ...(total === undefined ? undefined : { total }), resources, bytes },
    parts: state.state === 'cancelled' ? [] : partsIn(parts),
    ...(to === undefined ? undefined : { to }),
    ...(failure === undefined ? undefined : { error: errorOf(failure) }),
  }
}

const errorOf = ({ _tag: tag, code, message }: AnnalsError): ExportStatus['error'] => ({ tag, code, message })
