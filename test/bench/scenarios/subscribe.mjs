/** A subscriber far behind: every event of a log on the disk with its body, and the memory that it takes. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore } from '../../../dist/src/index.js'
import { args, say, secondsOf } from './common.mjs'
import { madeStore } from './made-log.mjs'

const { subject, folder, events, perCommit } = args
const place = join(dirname(folder), `subscribe-${perCommit}`)
const program = fileURLToPath(import.meta.url)
const mebibyte = 1024 * 1024

if (subject === 'make') await madeStore(place, { events, perCommit, headOnly: true })
else {
  // Made in a process of its own: this one starts with the memory of a subscriber.
  execFileSync(process.execPath, [program, JSON.stringify({ ...args, subject: 'make' })])
  if (subject === 'floor') await floor()
  else await annals()
}

/** Every object read, no more. */
async function floor() {
  const objects = join(place, 'store', 'objects', 'bench', 'log', '0')
  const seconds = await secondsOf(async () => {
    for (const name of fs.readdirSync(objects).sort()) fs.readFileSync(join(objects, name))
  })
  say({ rate: events / seconds })
}

async function annals() {
  const store = await openStore(`file:${join(place, 'store')}`)
  const tenant = await store.tenant('bench')
  const start = process.memoryUsage.rss()
  let peak = start
  let told = 0
  const seconds = await secondsOf(async () => {
    for await (const { kind } of tenant.subscribe({ until: 'head' })) {
      if (kind !== 'event' || ++told % 1_000 > 0) continue
      peak = Math.max(peak, process.memoryUsage.rss())
      // Time for everything that might be read ahead.
      await new Promise(setImmediate)
    }
  })
  await store.close()
  if (told !== events) throw new Error(`${told} events`)
  say({ rate: events / seconds, start: start / mebibyte, peak: peak / mebibyte })
}
