/** Replay in memory: commit headers are decoded, checked against the chain, and folded into pointers. */
import { chainProblem, decodeCommit, origin } from '../../../dist/domain/commit.js'
import { pointerItems } from '../../../dist/projections/pointers.js'
import { args, idOf, patient, say, sha256 } from './common.mjs'
import { madeCommits } from './made-log.mjs'

const { subject, folder, perCommit, events } = args
const rounds = 3

if (subject === 'annals') annals()
else if (subject === 'floor') floor()
else if (subject === 'sqlite') await sqlite()
else await emmett()

/** The last of some rounds: the first ones are for the compiler. */
function timed(work) {
  let rate = 0
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    work()
    rate = events / ((performance.now() - began) / 1000)
  }
  return rate
}

function annals() {
  const objects = [...madeCommits({ events, perCommit, bodies: false })]
  const rate = timed(() => {
    let link = origin
    let items = 0
    for (const { key, bytes } of objects) {
      const decoded = decodeCommit(key, bytes, true)
      if (decoded._tag === 'Left' || chainProblem(link, decoded.right, 'bench/0') !== undefined) throw new Error(key)
      items += pointerItems('bench', 0, decoded.right).length
      link = decoded.right
    }
    if (items !== 2 * events) throw new Error(`${items} items`)
  })
  say({ rate })
}

/** The least that a checked log of JSON can cost: each header line is hashed and parsed. */
function floor() {
  const lines = [...madeCommits({ events, perCommit, bodies: false })].map(({ bytes }) =>
    bytes.subarray(0, bytes.indexOf(10)),
  )
  const rate = timed(() => {
    for (const line of lines) {
      sha256(line)
      JSON.parse(line.toString('utf8'))
    }
  })
  say({ rate })
}

/** The rows without their bodies, folded into the same number of entries. */
async function sqlite() {
  const store = await (await import('../subjects/sqlite.mjs')).open({ folder })
  store.writeAll(Array.from({ length: events }, (_, i) => [idOf(i), patient(idOf(i), i)]))
  const all = store.database.prepare('select position, type, id, version, op, at from events order by position')
  const rate = timed(() => {
    const pointers = new Map()
    for (const row of all.iterate()) pointers.set(`${row.type}/${row.id}/${row.version}`, row)
  })
  say({ rate })
}

/** Streams of 1,000 events, read one after the other. */
async function emmett() {
  const { append, store } = await (await import('../subjects/emmett.mjs')).open({ folder })
  const length = 1_000
  const streams = Math.min(10, events / length)
  for (let s = 0; s < streams; s++)
    await append(
      `stream-${s}`,
      Array.from({ length }, (_, i) => patient(idOf(i), i)),
    )
  let rate = 0
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    for (let s = 0; s < streams; s++) await store.readStream(`stream-${s}`)
    rate = (streams * length) / ((performance.now() - began) / 1000)
  }
  say({ rate })
}
