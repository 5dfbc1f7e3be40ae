/** A folder with a log of many events, made without writing through the store: as fast as files can be made, and not synced. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openEmbedded } from '../../adapters/embedded/index.js'
import { systemClock } from '../../adapters/system-clock.js'
import { type ChainLink, type Commit, commitFormat, encodeCommit, origin, sha256 } from '../../domain/commit.js'
import type { EventHeader } from '../../domain/header.js'
import { formatInstant } from '../../domain/instant.js'
import { logKey } from '../../domain/keys.js'
import { headItem } from '../../domain/pointer.js'
import { run } from '../../domain/task.js'
import { openStore } from '../../src/open.js'

export const tenantName = 'made'

export interface MadeLog {
  readonly events: number
  readonly perCommit: number
  readonly bodyBytes: number
}

/** Every event is the first version of a resource, of the types `Note` and `Task` in turn. Only the head is published. */
export async function makeLogIn(folder: string, made: MadeLog): Promise<void> {
  const store = await openStore(`file:${folder}`)
  await store.tenant(tenantName, { kind: 'json' })
  await store.close()
  mkdirSync(dirname(fileOf(folder, 1)), { recursive: true })
  let link: ChainLink = origin
  for (let first = 0; first < made.events; first += made.perCommit) {
    const { bytes, commit } = commitOf(link, first, made)
    writeFileSync(fileOf(folder, commit.seq), bytes)
    link = commit
  }
  const { pointers, close } = await run(openEmbedded(folder, { create: false, clock: systemClock }))
  await run(pointers.advance(headItem(tenantName, 0, link)))
  await close()
}

const fileOf = (folder: string, seq: number): string => join(folder, 'objects', logKey(tenantName, 0, seq))

function commitOf(
  link: ChainLink,
  first: number,
  { perCommit, bodyBytes }: MadeLog,
): { bytes: Buffer; commit: Commit } {
  const events: EventHeader[] = []
  const bodies: string[] = []
  let offset = 0
  for (let n = first; n < first + perCommit; n++) {
    const body = `{"n":${n},"text":"${'x'.repeat(bodyBytes)}"}`
    const type = n % 2 === 0 ? 'Note' : 'Task'
    const id = `r${n}`
    events.push({
      type,
      id,
      version: 1,
      op: 'create',
      method: 'PUT',
      offset,
      length: body.length,
      sha256: sha256(body),
    })
    offset += body.length + 1
    bodies.push(body)
  }
  const seq = link.seq + 1
  const header = {
    format: commitFormat,
    log: `${tenantName}/0`,
    seq,
    id: `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
    writer: 'test:1:made',
    at: formatInstant(Date.UTC(2026, 0, 1) * 1000 + seq),
    prev: link.hash,
    transactions: [{ id: `${seq}-0`, events }],
  } as const
  return encodeCommit(header, Buffer.from(`${bodies.join('\n')}\n`))
}
