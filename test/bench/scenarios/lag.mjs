/** Live lag: 2,000 writes a second, and how long after its instant each event reaches a projection in another process. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineProjection, openStore } from '../../../dist/src/index.js'
import { args, idOf, patient, say } from './common.mjs'

const { folder, perSecond, seconds } = args
const url = `file:${join(folder, 'store')}`
const everyMs = 5

if (args.subject === 'projector') await project()
else await write()

/** Hears every event, and tells how old each one was. */
async function project() {
  const ages = []
  const seen = defineProjection({
    name: 'seen',
    version: 1,
    bodies: false,
    apply: async ({ events }) => {
      const now = performance.timeOrigin + performance.now()
      for (const { at } of events) ages.push(now - Date.parse(`${at.slice(0, 23)}Z`) - Number(at.slice(23, 26)) / 1000)
    },
  })
  const store = await openStore(url)
  const worker = store.projections.work([seen])
  process.send('ready')
  process.on('message', async () => {
    await worker.stop()
    await store.close()
    // Whoever leaves before all of it is sent leaves the other one waiting.
    process.send(ages, () => process.disconnect())
  })
}

async function write() {
  const store = await openStore(url)
  const tenant = await store.tenant('bench')
  const projector = fork(fileURLToPath(import.meta.url), [JSON.stringify({ ...args, subject: 'projector' })])
  const heard = () => new Promise((resolve) => projector.once('message', resolve))
  await heard()
  // The worker takes its lease, and both compilers warm up.
  const warm = 2
  const writing = []
  const began = performance.now()
  let due = 0
  while (due < perSecond * (seconds + warm)) {
    const wanted = Math.min(perSecond * (seconds + warm), ((performance.now() - began) / 1000) * perSecond)
    for (; due < wanted; due++) writing.push(tenant.create('Patient', patient(idOf(due), due), { id: idOf(due) }))
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  const results = await Promise.all(writing)
  const took = (performance.now() - began) / 1000
  const last = results.reduce((a, b) => (a.position.seq > b.position.seq ? a : b))
  await tenant.whenProjected('seen', last.position, { timeoutMs: 60_000 })
  const telling = heard()
  projector.send('stop')
  const ages = (await telling).slice(perSecond * warm).sort((a, b) => a - b)
  await store.close()
  const at = (part) => ages[Math.floor(ages.length * part)]
  say({ rate: due / took, p50: at(0.5), p99: at(0.99), max: ages.at(-1) })
}
