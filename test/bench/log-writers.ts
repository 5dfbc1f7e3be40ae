/**
 * `npm run bench:writers`: 1, 2, 4 and 8 processes that write to one log on MinIO and DynamoDB Local, each with callers of
 * its own. Prints what they came to together, how long a caller waits, and how evenly they share the log.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Command } from 'commander'
import { clientOptions } from '../../adapters/aws/client.js'
import { bootstrapStore, openStore } from '../../src/index.js'
import { credentials, region } from '../servers/catalog.js'
import { startFaultProxy } from '../servers/fault-proxy.js'
import { startServers } from '../servers/start.js'

interface Told {
  readonly writes: number
  /** By which the log grew meanwhile. */
  readonly commits: number
  /** Milliseconds. */
  readonly latencies: number[]
}

const { seconds, callers, delay } = new Command('bench:writers')
  .option('--seconds <count>', 'how long each number of writers writes', Number, 10)
  .option('--callers <count>', 'callers of each process', Number, 1)
  .option('--delay <ms>', 'how much later each request reaches S3, as it would from afar', Number, 0)
  .parse()
  .opts<{ seconds: number; callers: number; delay: number }>()

Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_REGION: region,
})
const { endpoints, stop } = await startServers(['minio', 'dynamodb'], (text) => console.error(text))
const { minio = '', dynamodb = '' } = endpoints
const proxy = delay > 0 ? await startFaultProxy({ target: minio, delayMs: delay, rates: { delay: 1 } }) : undefined
const s3 = new S3Client({ ...clientOptions({ endpoint: minio, region, credentials }), forcePathStyle: true })

console.log(`each process has ${callers} callers; requests to S3 arrive ${delay} ms later; ${seconds} s each\n`)
console.log('| writers | writes/s | commits/s | p50 ms | p99 ms | share of each writer, % |')
console.log('|--:|--:|--:|--:|--:|---|')
for (const writers of [1, 2, 4, 8]) console.log(await row(writers))
await proxy?.stop()
await stop()
process.exit(0)

async function row(writers: number): Promise<string> {
  const name = `writers-${writers}`
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  const url = `s3://${name}?table=${name}&s3-endpoint=${proxy?.url ?? minio}&dynamodb-endpoint=${dynamodb}&stream=false`
  await bootstrapStore(url)
  const store = await openStore(url)
  await store.tenant('t', { kind: 'json' })
  const told = await Promise.all(Array.from({ length: writers }, () => write(url)))
  const commits = told.reduce((most, { commits }) => Math.max(most, commits), 0)
  await store.close()
  const total = told.reduce((sum, { writes }) => sum + writes, 0)
  const latencies = told.flatMap((each) => each.latencies).sort((a, b) => a - b)
  const at = (part: number): string => (latencies[Math.floor(latencies.length * part)] ?? 0).toFixed(0)
  const shares = told.map(({ writes }) => ((100 * writes) / total).toFixed(0)).join(' ')
  return `| ${writers} | ${(total / seconds).toFixed(0)} | ${(commits / seconds).toFixed(0)} | ${at(0.5)} | ${at(0.99)} | ${shares} |`
}

function write(url: string): Promise<Told> {
  const script = fileURLToPath(new URL('log-writer.ts', import.meta.url))
  const args = ['--import', 'tsx', script, url, String(callers), String(seconds)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(said)) : reject(new Error(`a writer ended with ${code}`)),
    )
  })
}
