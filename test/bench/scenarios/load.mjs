/** Loads an NDJSON file of 1 KB resources with the program, and watches the memory of its process. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openStore } from '../../../dist/src/index.js'
import { fileMaker } from '../subjects/floor.mjs'
import { args, say, secondsOf } from './common.mjs'
import { madeFile } from './made-file.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, resources, observed } = args
const program = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))
const source = madeFile(dirname(folder), resources)
const perBatch = 500

if (subject === 'floor') floor()
else if (subject === 'sqlite') await sqlite()
else await annals()

async function annals() {
  const url = `file:${join(folder, 'store')}`
  let peak
  const seconds = await secondsOf(
    () =>
      new Promise((resolve, reject) => {
        const argv = [program, 'load', source, '--store', url, '--tenant', 'bench', '--json']
        const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
        const memory = watchMemory(child.pid)
        child.on('close', (code) => {
          peak = memory.end()
          if (code === 0) resolve()
          else reject(new Error(`annals load ended with ${code}`))
        })
      }),
  )
  const store = await openStore(url)
  const tenant = await store.tenant('bench')
  let bytes = 0
  for await (const commit of tenant.commits({ bodies: false })) bytes += commit.bytes
  const commits = (await tenant.head()).seq
  await store.close()
  say({ rate: resources / seconds, own: peak.own, mapped: peak.mapped, whole: peak.whole }, { commits, bytes })
}

/** The file read once, and the same bytes as Annals wrote in as many files. */
function floor() {
  const files = fileMaker(join(folder, 'files'))
  const content = Buffer.alloc(Math.round(observed.bytes / observed.commits), 'x')
  const began = performance.now()
  const fd = fs.openSync(source, 'r')
  const chunk = Buffer.allocUnsafe(1024 * 1024)
  while (fs.readSync(fd, chunk) > 0);
  fs.closeSync(fd)
  for (let i = 0; i < observed.commits; i++) files.make(content)
  say({ rate: resources / ((performance.now() - began) / 1000) })
}

async function sqlite() {
  const store = await (await import('../subjects/sqlite.mjs')).open({ folder })
  let rows = []
  const seconds = await secondsOf(async () => {
    for await (const line of createInterface({ input: fs.createReadStream(source) })) {
      rows.push([JSON.parse(line).id, line])
      if (rows.length < perBatch) continue
      store.writeAll(rows)
      rows = []
    }
    store.writeAll(rows)
  })
  say({ rate: resources / seconds })
}
