/** Writes of 1 KB by so many callers at a time, each of a new resource, each durable when it is acknowledged. */
import { join } from 'node:path'
import { fileMaker } from '../subjects/floor.mjs'
import { args, callFor, idOf, patient, say } from './common.mjs'

const { subject, folder, callers, observed } = args
// Emmett fails after some hundred appends as a rule: a short run has a chance to end.
const [warmUp, seconds] = subject === 'emmett' ? [0.2, 0.8] : [0.7, args.seconds]
let count = 0

if (subject === 'floor') floor()
else if (subject === 'sqlite-batches') await batches()
else await writes()

async function writes() {
  const store = await (await import(`../subjects/${subject}.mjs`)).open({ folder })
  const write = () => {
    const i = count++
    return store.write(idOf(i), patient(idOf(i), i))
  }
  await callFor(warmUp, callers, write)
  const mark = await store.mark?.()
  const { done, seconds: taken } = await callFor(seconds, callers, write)
  const seen = await store.observe?.(mark)
  await store.close()
  say({ rate: done / taken }, seen && { ...seen, writes: done })
}

/** As many files, each as large, as Annals made commits for the same writes. */
function floor() {
  const { commits, bytes, writes } = observed
  const files = fileMaker(join(folder, 'files'))
  const content = Buffer.alloc(Math.round(bytes / commits), 'x')
  const make = (duration) => {
    const began = performance.now()
    let made = 0
    for (; performance.now() - began < duration * 1000; made++) files.make(content)
    return made / ((performance.now() - began) / 1000)
  }
  make(warmUp)
  say({ rate: (make(seconds) * writes) / commits })
}

/** SQLite in transactions of as many writes as Annals put into a commit. */
async function batches() {
  const store = await (await import('../subjects/sqlite.mjs')).open({ folder })
  const size = Math.max(1, Math.round(observed.writes / observed.commits))
  const batch = () =>
    store.writeAll(
      Array.from({ length: size }, () => {
        const i = count++
        return [idOf(i), patient(idOf(i), i)]
      }),
    )
  await callFor(warmUp, 1, async () => batch())
  const { done, seconds: taken } = await callFor(seconds, 1, async () => batch())
  say({ rate: (done * size) / taken })
}
