/** Says what it holds in memory while it submits a file, or exports: `node --expose-gc … {submit or export} {folder of the store} {file}`. */
import { pathToFileURL } from 'node:url'
import { openStore } from '../../src/index.js'

const [what = '', folder = '', file = ''] = process.argv.slice(2)
const mebibyte = 1024 * 1024
const limits = {
  exportPartBytes: mebibyte,
  exportBufferBytes: mebibyte,
  cacheBytes: 0,
  cachedStates: 100,
  maxCommitEvents: 100,
}
const name = { submitter: 'memory', submission: 'all' }

/** What is held when everything that can be let go has gone, in bytes. */
function held(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const store = await openStore(`file:${folder}`, { limits, sources: { allowFiles: true } })
const tenant = await store.tenant('t')
const atStart = held()
let [most, steps, done] = [0, 0, 0]
const look = (): void => {
  if (steps++ % 4 === 0) most = Math.max(most, held() - atStart)
}
if (what === 'submit') {
  await tenant.submissions.begin(name)
  await tenant.submissions.add(name, { files: [{ url: pathToFileURL(file).href }] })
  done = (await tenant.submissions.process(name, { onProgress: look })).counts.created
} else {
  const job = await tenant.export()
  for await (const _ of job.parts()) look()
  done = (await job.done()).progress.resources
}
await store.close()
process.stdout.write(JSON.stringify({ done, steps, most }))
