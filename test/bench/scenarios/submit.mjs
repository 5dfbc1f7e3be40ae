/** A submission of an NDJSON file of 1 KB resources that are all new; its input, its results and its changes are kept, packed. */
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openStore } from '../../../dist/src/index.js'
import { fileMaker } from '../subjects/floor.mjs'
import { args, say, secondsOf } from './common.mjs'
import { madeFile } from './made-file.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, resources, observed } = args
const source = madeFile(dirname(folder), resources)

if (subject === 'floor') floor()
else await annals()

/** The file read once, and as many files as Annals wrote, as large as they are. */
function floor() {
  const files = fileMaker(join(folder, 'files'))
  const began = performance.now()
  const fd = fs.openSync(source, 'r')
  const chunk = Buffer.allocUnsafe(1024 * 1024)
  while (fs.readSync(fd, chunk) > 0);
  fs.closeSync(fd)
  for (const bytes of observed) files.make(Buffer.alloc(bytes, 'x'))
  say({ rate: resources / ((performance.now() - began) / 1000) })
}

async function annals() {
  const root = join(folder, 'store')
  const store = await openStore(`file:${root}`, { sources: { allowFiles: true } })
  const { submissions } = await store.tenant('bench')
  const name = { submitter: 'bench', submission: 'one' }
  const memory = watchMemory('self')
  const before = process.cpuUsage()
  let status
  const seconds = await secondsOf(async () => {
    await submissions.begin(name)
    await submissions.add(name, { files: [{ url: pathToFileURL(source).href, type: 'Patient' }] })
    status = await submissions.process(name)
  })
  const { user, system } = process.cpuUsage(before)
  const { own } = memory.end()
  await store.close()
  if (status.counts.created !== resources) throw new Error(`${status.counts.created} resources`)
  say({ rate: resources / seconds, cpu: (user + system) / resources, own }, sizesBelow(join(root, 'objects', 'bench')))
}

function sizesBelow(path) {
  const entries = fs.readdirSync(path, { withFileTypes: true })
  return entries.flatMap((entry) => {
    const below = join(path, entry.name)
    return entry.isDirectory() ? sizesBelow(below) : [fs.statSync(below).size]
  })
}
