/** Verification of a commit object: it can be read, every byte of it is accounted for, and every body has its hash. */
import { eventsOf, sha256 } from '../../domain/commit.js'
import type { AnnalsError } from '../../domain/error.js'
import type { EventHeader } from '../../domain/header.js'
import { blobKey } from '../../domain/keys.js'
import { eventName, inlineBody, objectProblems } from '../../domain/object-check.js'
import { run } from '../../domain/task.js'
import type { OpenCommit } from '../read/log-reader.js'
import type { Found, VerifyDeps } from './difference.js'

export async function openForCheck(
  deps: VerifyDeps,
  seq: number,
  found: Found,
): Promise<{ opened?: OpenCommit; exists: boolean }> {
  const { log } = deps
  try {
    const opened = await log.openWhole(seq)
    return { opened, exists: opened !== undefined }
  } catch (error) {
    const failure = error as AnnalsError
    if (failure._tag === 'Corrupt') found('commit-damaged', log.key(seq), failure.data.problem)
    else if (failure._tag === 'UnsupportedFormat') found('commit-damaged', log.key(seq), failure.message)
    else throw error
    return { exists: true }
  }
}

/** Every byte after the header belongs to a body, and every body has its hash. Answers how many bodies there are. */
export async function checkBodies(deps: VerifyDeps, { commit, bytes }: OpenCommit, found: Found): Promise<number> {
  const key = deps.log.key(commit.seq)
  for (const { kind, problem } of objectProblems(commit, bytes)) found(kind, key, problem)
  let checked = 0
  for (const { event, index } of eventsOf(commit)) {
    if (event.op === 'delete') continue
    checked++
    if (event.blob !== undefined) await checkBlob(deps, event, eventName(event, index), found)
  }
  return checked
}

async function checkBlob(deps: VerifyDeps, event: EventHeader, name: string, found: Found): Promise<void> {
  const key = blobKey(deps.tenant, event.blob ?? '')
  const body = await blobBody(deps, event.blob ?? '')
  if (body === undefined) found('blob-missing', key, `${name} needs it`)
  else if (sha256(body) !== event.sha256 || body.length !== event.length)
    found('body-damaged', key, `${name} does not have its hash`)
}

/** Answers the body of the event at an index of a commit, whatever its hash. */
export function bodiesOf(deps: VerifyDeps, opened: OpenCommit): (index: number) => Promise<Uint8Array | undefined> {
  const events = [...eventsOf(opened.commit)].map(({ event }) => event)
  return async (index) => {
    const event = events[index]
    if (event === undefined || event.op === 'delete') return undefined
    return event.blob === undefined ? inlineBody(opened.commit, opened.bytes, event) : blobBody(deps, event.blob)
  }
}

async function blobBody(deps: VerifyDeps, blob: string): Promise<Uint8Array | undefined> {
  return (await run(deps.blobs.get(blobKey(deps.tenant, blob))))?.bytes
}
