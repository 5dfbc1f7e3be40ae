/** The object model of a log: four objects for each event, in two new folders. Afterwards they are removed. */
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { objectsProjection, openStore } from '../../../dist/src/index.js'
import { args, idOf, patient, say, secondsOf } from './common.mjs'
import { madeStore } from './made-log.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, events, perCommit } = args

if (subject === 'floor') {
  // The same files by hand: two folders for each resource, four files, nothing synced.
  const history = join(folder, 'history')
  fs.mkdirSync(join(history, 'type', 'Patient'), { recursive: true })
  fs.mkdirSync(join(history, 'system'))
  const document = (i) => Buffer.from(`${'m'.repeat(280)}${patient(idOf(i), i)}`)
  const seconds = await secondsOf(async () => {
    for (let i = 0; i < events; i++) {
      const name = `20260101T000000000000Z_${idOf(i)}_1_0-${i}-0.json`
      const resource = join(folder, 'resources', 'Patient', idOf(i))
      fs.mkdirSync(join(resource, '_history'), { recursive: true })
      const bytes = document(i)
      for (const path of [
        join(resource, 'current.json'),
        join(resource, '_history', '1.json'),
        join(history, 'type', 'Patient', name),
        join(history, 'system', name),
      ]) {
        fs.writeFileSync(`${dirname(path)}/.tmp`, bytes)
        fs.renameSync(`${dirname(path)}/.tmp`, path)
      }
    }
  })
  say({ rate: events / seconds })
} else {
  const url = await madeStore(folder, { events, perCommit })
  const store = await openStore(url)
  const memory = watchMemory('self')
  const seconds = await secondsOf(() => store.projections.run('bench', [objectsProjection()]))
  const { own } = memory.end()
  await store.close()
  say({ rate: events / seconds, own })
}
