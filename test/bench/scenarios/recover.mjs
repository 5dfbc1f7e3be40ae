/** Recovery end to end: the pointers are deleted, and rebuilt from the log on the disk. */
import fs from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../dist/src/index.js'
import { args, say, secondsOf } from './common.mjs'
import { madeStore } from './made-log.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, events, perCommit } = args
const url = await madeStore(join(folder, '..', `recover-${perCommit}`), { events, perCommit })
const objects = join(url.slice('file:'.length), 'objects', 'bench', 'log', '0')

if (subject === 'floor') {
  // Every object read, no more.
  const seconds = await secondsOf(async () => {
    for (const name of fs.readdirSync(objects).sort()) fs.readFileSync(join(objects, name))
  })
  say({ rate: events / seconds })
} else {
  fs.rmSync(join(url.slice('file:'.length), 'pointers'), { recursive: true })
  const store = await openStore(url)
  const memory = watchMemory('self')
  const seconds = await secondsOf(() => store.recover('bench', { projections: [] }))
  const { own } = memory.end()
  await store.close()
  say({ rate: events / seconds, own })
}
