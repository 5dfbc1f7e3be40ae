/** One transaction of many resources, its revert, and the revert of that. */
import fs from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../dist/src/index.js'
import { args, idOf, patient, say, secondsOf } from './common.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, entries } = args

if (subject === 'floor') {
  // One file with the bytes of all bodies, synced, and its folder.
  const bytes = Buffer.from(Array.from({ length: entries }, (_, i) => `${patient(idOf(i), i)}\n`).join(''))
  const transact = await secondsOf(async () => {
    const fd = fs.openSync(join(folder, 'commit'), 'w')
    fs.writeSync(fd, bytes)
    fs.fsyncSync(fd)
    fs.closeSync(fd)
    const directory = fs.openSync(folder, 'r')
    fs.fsyncSync(directory)
    fs.closeSync(directory)
  })
  say({ transact: transact * 1000 })
} else {
  const store = await openStore(`file:${join(folder, 'store')}`)
  const tenant = await store.tenant('bench')
  const operation = (i) => ({ op: 'create', type: 'Patient', id: idOf(i), body: patient(idOf(i), i) })
  await tenant.transact(Array.from({ length: 1_000 }, (_, i) => operation(entries + i)))
  const operations = Array.from({ length: entries }, (_, i) => operation(i))
  const memory = watchMemory('self')
  let id
  const timed = async (work) => {
    const seconds = await secondsOf(async () => {
      id = (await work()).id
    })
    return seconds * 1000
  }
  const transact = await timed(() => tenant.transact(operations))
  const revert = await timed(() => tenant.revert(id))
  const again = await timed(() => tenant.revert(id))
  const { own } = memory.end()
  await store.close()
  say({ transact, revert, again, own })
}
