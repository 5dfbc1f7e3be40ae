/** A process that works on an export until it is killed, or until the export has ended: `exporter.ts {url} {job} {until}`. */
import { openStore } from '../../src/index.js'
import { bounds } from './exports.js'

const [url = '', id = '', until = ''] = process.argv.slice(2)
const store = await openStore(url, { create: false, limits: bounds })
const tenant = await store.tenant('exported')
process.stdout.write('open\n')
const job = await tenant.export({ id, until })
for await (const { name } of job.parts()) process.stdout.write(`${name}\n`)
await job.done()
process.stdout.write('done\n')
await store.close()
