/** A body with the stamp of another version, so that what the server sets is no difference between them. */
import { planStamp, type Stamp, scanBody, stampedLength, stampInto } from '../../../domain/body/index.js'
import { orThrow } from '../../../domain/task.js'
import type { ResourceVersion } from '../../index.js'

export function restamped(body: Uint8Array, { id, version, at }: ResourceVersion): Buffer {
  const plan = orThrow(planStamp(body, orThrow(scanBody(body))))
  const stamp: Stamp = { id, versionId: String(version), lastUpdated: at }
  const bytes = Buffer.alloc(stampedLength(plan, stamp))
  stampInto(plan, stamp, bytes, 0)
  return bytes
}
