/** One writing process of `bench:writers`: `log-writer.ts {url} {callers} {seconds}`. Tells its writes and their times. */
import { openStore } from '../../src/index.js'

const [url = '', callers = '1', seconds = '10'] = process.argv.slice(2)
const store = await openStore(url)
const tenant = await store.tenant('t')
const body = JSON.stringify({ text: 'x'.repeat(1_000) })
const warmUpMs = 2_000
const latencies: number[] = []

await writeFor(warmUpMs)
latencies.length = 0
const before = (await tenant.head()).seq
await writeFor(Number(seconds) * 1_000)
const commits = (await tenant.head()).seq - before
process.stdout.write(JSON.stringify({ writes: latencies.length, commits, latencies }))
await store.close()

async function writeFor(ms: number): Promise<void> {
  const end = performance.now() + ms
  const call = async (): Promise<void> => {
    while (performance.now() < end) {
      const began = performance.now()
      await tenant.create('Note', body)
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: Number(callers) }, call))
}
