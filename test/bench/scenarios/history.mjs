/** Pages of 50 with their bodies, newest first, out of a long history: the first page and the 1,000th. No cache. */
import fs from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../dist/src/index.js'
import { args, idOf, patient, say } from './common.mjs'
import { madeStore } from './made-log.mjs'

const { subject, folder, events, perCommit } = args
const count = 50
const far = 1_000
const times = 200
const kept = join(folder, '..', subject === 'sqlite' ? 'history-sqlite' : 'history')

if (subject === 'sqlite') await sqlite()
else if (subject === 'floor') await floor()
else await annals()

/** The median of many, in milliseconds. */
async function millisecondsOf(page) {
  const taken = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await page()
    taken.push(performance.now() - began)
  }
  return taken.sort((a, b) => a - b)[times / 2]
}

async function annals() {
  const url = await madeStore(kept, { events, perCommit })
  const store = await openStore(url, { limits: { cacheBytes: 0 } })
  const tenant = await store.tenant('bench')
  const metrics = {}
  for (const [level, scope] of Object.entries({ type: { type: 'Patient' }, system: {} })) {
    let cursor
    for (let page = 1; page < far; page++)
      cursor = (await tenant.history(scope, { count, cursor, bodies: false })).cursor
    const at = async (place) => {
      const { entries } = await tenant.history(scope, { count, cursor: place })
      if (entries.length !== count || entries[0].body === undefined) throw new Error('the page is not whole')
    }
    metrics[`${level}First`] = await millisecondsOf(() => at(undefined))
    metrics[`${level}Far`] = await millisecondsOf(() => at(cursor))
  }
  await store.close()
  say(metrics)
}

/** The commits that such a page stands in, opened and read whole. */
async function floor() {
  const url = await madeStore(kept, { events, perCommit })
  const objects = join(url.slice('file:'.length), 'objects', 'bench', 'log', '0')
  const names = fs.readdirSync(objects).sort().reverse()
  const pages = count / perCommit
  const read = async (page) => {
    for (let i = page * pages; i < (page + 1) * pages; i++) fs.readFileSync(join(objects, names[i]))
  }
  const [first, distant] = [await millisecondsOf(() => read(0)), await millisecondsOf(() => read(far - 1))]
  say({ typeFirst: first, typeFar: distant, systemFirst: first, systemFar: distant })
}

async function sqlite() {
  const isNew = !fs.existsSync(kept)
  fs.mkdirSync(kept, { recursive: true })
  const { database, writeAll } = await (await import('../subjects/sqlite.mjs')).open({ folder: kept })
  if (isNew) {
    database.exec('create index by_type on events (type, position)')
    for (let i = 0; i < events; i += 1_000)
      writeAll(Array.from({ length: 1_000 }, (_, k) => [idOf(i + k), patient(idOf(i + k), i + k)]))
  }
  const byType = database.prepare(
    'select * from events where type = ? and position < ? order by position desc limit 50',
  )
  const all = database.prepare('select * from events where position < ? order by position desc limit 50')
  const distant = events - (far - 1) * count + 1
  say({
    typeFirst: await millisecondsOf(() => byType.all('Patient', events + 1)),
    typeFar: await millisecondsOf(() => byType.all('Patient', distant)),
    systemFirst: await millisecondsOf(() => all.all(events + 1)),
    systemFar: await millisecondsOf(() => all.all(distant)),
  })
}
