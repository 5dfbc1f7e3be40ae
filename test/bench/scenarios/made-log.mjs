/** Makes logs without writing through the store: as fast as files can be made, and not synced. */
import fs from 'node:fs'
import { join } from 'node:path'
import { openEmbedded } from '../../../dist/adapters/embedded/index.js'
import { encodeCommit, origin } from '../../../dist/domain/commit.js'
import { formatInstant } from '../../../dist/domain/instant.js'
import { logKey } from '../../../dist/domain/keys.js'
import { headItem } from '../../../dist/domain/pointer.js'
import { run } from '../../../dist/domain/task.js'
import { openStore } from '../../../dist/src/index.js'
import { idOf, patient, sha256 } from './common.mjs'

const firstInstant = Date.UTC(2026, 0, 1) * 1000
const tenant = 'bench'

/** Commits of so many events each, every one the first version of a Patient; with or without its body's bytes. */
export function* madeCommits({ events, perCommit, bodies }) {
  let link = origin
  for (let made = 0; made < events; made += perCommit) {
    const at = formatInstant(firstInstant + link.seq * 1000)
    const lines = []
    const headers = []
    let offset = 0
    for (let i = made; i < made + perCommit; i++) {
      const text = bodies ? stamped(i, at) : ''
      const length = bodies ? Buffer.byteLength(text) : 1100
      const hash = sha256(bodies ? text : String(i))
      headers.push({
        type: 'Patient',
        id: idOf(i),
        version: 1,
        op: 'create',
        method: 'PUT',
        offset,
        length,
        sha256: hash,
      })
      offset += length + 1
      if (bodies) lines.push(`${text}\n`)
    }
    const seq = link.seq + 1
    const id = `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`
    const transactions = [{ id: `${seq}-0`, actor: 'bench', events: headers }]
    const header = { format: 'annals/1', log: `${tenant}/0`, seq, id, writer: 'bench:1:made', at, prev: link.hash }
    const { bytes, commit } = encodeCommit({ ...header, transactions }, Buffer.from(lines.join('')))
    yield { key: logKey(tenant, 0, seq), bytes, commit }
    link = commit
  }
}

const stamped = (i, at) =>
  patient(idOf(i), i).replace(/("id":"[^"]*",)/, `$1"meta":{"versionId":"1","lastUpdated":"${at}"},`)

/** A store whose log is made, and whose pointers are recovered, or only its head. Made once: later calls find it. */
export async function madeStore(folder, { headOnly = false, ...made }) {
  const url = `file:${join(folder, 'store')}`
  const done = join(folder, 'done')
  if (fs.existsSync(done)) return url
  const empty = await openStore(url)
  await empty.tenant(tenant)
  await empty.close()
  fs.mkdirSync(join(folder, 'store', 'objects', tenant, 'log', '0'), { recursive: true })
  let head = origin
  for (const { key, bytes, commit } of madeCommits({ ...made, bodies: true })) {
    fs.writeFileSync(join(folder, 'store', 'objects', key), bytes)
    head = commit
  }
  if (headOnly) await publishHead(join(folder, 'store'), head)
  else await recover(url)
  fs.writeFileSync(done, '')
  return url
}

async function recover(url) {
  const store = await openStore(url)
  await store.recover(tenant, { projections: [] })
  await store.close()
}

async function publishHead(folder, head) {
  const { pointers, close } = await run(openEmbedded(folder))
  await run(pointers.advance(headItem(tenant, 0, head)))
  await close()
}
