/** A slow subscriber in a process of its own, which says what it holds in memory. `node --expose-gc … {folder} {events}` */
import { openStore } from '../../src/open.js'
import { tenantName } from './made-log.js'

const [folder = '', events = ''] = process.argv.slice(2)
const samples = 10
const every = Number(events) / samples

/** What is held when everything that can be let go has gone, in bytes. */
async function held(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    await new Promise(setImmediate)
    ;(globalThis as { gc?: () => void }).gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const store = await openStore(`file:${folder}`)
const tenant = await store.tenant(tenantName)
const atStart = await held()
let told = 0
let most = 0
for await (const { kind } of tenant.subscribe({ until: 'head' })) {
  if (kind !== 'event') break
  // Slow: between two messages there is time for everything that somebody may want to read ahead.
  if (++told % 100 === 0) await new Promise(setImmediate)
  if (told % every === 0) most = Math.max(most, (await held()) - atStart)
}
await store.close()
process.stdout.write(JSON.stringify({ told, most }))
