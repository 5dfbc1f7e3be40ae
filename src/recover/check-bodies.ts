/** Verification of a commit object: it can be read, every byte of it is accounted for, and every body has its hash. */
import { eventsOf, sha256 } from '../../domain/commit.js'
import type { AnnalsError } from '../../domain/error.js'
import type { EventHeader } from '../../domain/header.js'
import { blobKey } from '../../domain/keys.js'
import { run } from '../../domain/task.js'
import type { OpenCommit } from '../read/log-reader.js'
import type { Found, VerifyDeps } from './difference.js'

const newline = 10

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

/** Every byte after the header belongs to a body, and every body has its hash. */
export async function checkBodies(deps: VerifyDeps, opened: OpenCommit, found: Found): Promise<number> {
  const { commit, bytes } = opened
  const key = deps.log.key(commit.seq)
  let checked = 0
  let end = commit.bodiesAt
  for (const { event, index } of eventsOf(commit)) {
    if (event.op === 'delete') continue
    checked++
    const where = `${event.type}/${event.id} version ${event.version} (event ${index})`
    const body = event.blob === undefined ? inlineBody(opened, event) : await blobBody(deps, event.blob)
    if (body === undefined) found('blob-missing', blobKey(deps.tenant, event.blob ?? ''), `${where} needs it`)
    else if (sha256(body) !== event.sha256 || body.length !== event.length)
      found(
        'body-damaged',
        event.blob === undefined ? key : blobKey(deps.tenant, event.blob),
        `${where} does not have its hash`,
      )
    if (event.blob !== undefined) continue
    end += (event.length ?? 0) + 1
    // No hash covers the newline behind a body.
    if (end <= bytes.length && bytes[end - 1] !== newline)
      found('commit-damaged', key, `byte ${end - 1} is not the newline behind a body`)
  }
  if (bytes.length !== end) found('commit-damaged', key, `it has ${bytes.length} bytes, its header accounts for ${end}`)
  return checked
}

function inlineBody({ commit, bytes }: OpenCommit, { offset = 0, length = 0 }: EventHeader): Uint8Array {
  const start = commit.bodiesAt + offset
  return bytes.subarray(start, start + length)
}

async function blobBody(deps: VerifyDeps, blob: string): Promise<Uint8Array | undefined> {
  return (await run(deps.blobs.get(blobKey(deps.tenant, blob))))?.bytes
}

/** Answers the body of the event at an index of a commit, whatever its hash. */
export function bodiesOf(deps: VerifyDeps, opened: OpenCommit): (index: number) => Promise<Uint8Array | undefined> {
  const events = [...eventsOf(opened.commit)].map(({ event }) => event)
  return async (index) => {
    const event = events[index]
    if (event === undefined || event.op === 'delete') return undefined
    return event.blob === undefined ? inlineBody(opened, event) : blobBody(deps, event.blob)
  }
}
