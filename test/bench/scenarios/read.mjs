/** Reads of the current version of random resources out of 5,000 of 1 KB. */
import { join } from 'node:path'
import { filePicker } from '../subjects/floor.mjs'
import { args, callFor, idOf, patient, places, say } from './common.mjs'

const { subject, folder, callers, seconds, cacheBytes } = args
// Emmett takes one write at a time, and its time for it.
const [resources, writers] = subject === 'emmett' ? [200, 1] : [5_000, 500]
const warmUp = 1
const place = places(resources)

if (subject === 'floor') floor()
else await reads()

async function reads() {
  const { open } = await import(`../subjects/${subject}.mjs`)
  const writing = await open({ folder })
  let next = 0
  const caller = async () => {
    for (let i = next++; i < resources; i = next++) await writing.write(idOf(i), patient(idOf(i), i))
  }
  await Promise.all(Array.from({ length: writers }, caller))
  // Castore has it all in memory, and Emmett's second opening of a file fails at times (SQLITE_BUSY).
  const isKept = subject === 'castore' || subject === 'emmett'
  if (!isKept) await writing.close()
  const store = isKept ? writing : await open({ folder, cacheBytes })
  const read = () => store.read(idOf(place()))
  // Everything has been seen once.
  for (let i = 0; i < resources; i++) await store.read(idOf(i))
  await callFor(warmUp, callers, read)
  const { done, seconds: taken } = await callFor(seconds, callers, read)
  say({ rate: done / taken })
}

function floor() {
  const file = filePicker(join(folder, 'file'), { count: resources, bytes: 1024 })
  const read = (duration) => {
    const began = performance.now()
    let done = 0
    for (; performance.now() - began < duration * 1000; done++) file.read(place())
    return done / ((performance.now() - began) / 1000)
  }
  read(warmUp)
  say({ rate: read(seconds) })
}
