/** An export of a whole log on the disk: every resource of 1 KB read, checked and written into the parts, which are durable when it ends. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore } from '../../../dist/src/index.js'
import { fileMaker } from '../subjects/floor.mjs'
import { args, say, secondsOf } from './common.mjs'
import { madeStore } from './made-log.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, resources, perCommit, observed } = args
const place = join(dirname(folder), `export-${resources}`)
const program = fileURLToPath(import.meta.url)

if (subject === 'make') await madeStore(place, { events: resources, perCommit, headOnly: true })
else {
  // Made in a process of its own: this one starts with the memory of an export.
  execFileSync(process.execPath, [program, JSON.stringify({ ...args, subject: 'make' })])
  if (subject === 'floor') await floor()
  else await annals()
}

/** Every object read, and as many bytes written in as many files as the parts have. */
async function floor() {
  const objects = join(place, 'store', 'objects', 'bench', 'log', '0')
  const files = fileMaker(join(folder, 'files'))
  const seconds = await secondsOf(async () => {
    for (const name of fs.readdirSync(objects).sort()) fs.readFileSync(join(objects, name))
    for (const bytes of observed) files.make(Buffer.alloc(bytes, 'x'))
  })
  say({ rate: resources / seconds })
}

async function annals() {
  const store = await openStore(`file:${join(place, 'store')}`)
  const tenant = await store.tenant('bench')
  const memory = watchMemory('self')
  const before = process.cpuUsage()
  let job
  let status
  const seconds = await secondsOf(async () => {
    job = await tenant.export()
    status = await job.done()
  })
  const { user, system } = process.cpuUsage(before)
  const { own } = memory.end()
  await job.cancel()
  await store.close()
  if (status.progress.resources !== resources) throw new Error(`${status.progress.resources} resources`)
  say(
    { rate: resources / seconds, cpu: (user + system) / resources, own },
    status.parts.map(({ bytes }) => bytes),
  )
}
