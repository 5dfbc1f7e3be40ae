/**
 * A process that writes until it is killed: `writer.ts {url} {name} {seed}`. It carries out requests of its own and
 * those that it is given on standard input, one JSON line each, and reports on standard output.
 */
import { createInterface } from 'node:readline'
import { isAnnalsError, openStore, type Tenant, type TransactionResult } from '../../src/index.js'
import { tenantName } from './place.js'
import { seeded } from './random.js'
import type { Answer, Report } from './reports.js'
import { makeRequest, maxInlineBytes, operationsOf, type Request, resourceType } from './wish.js'

const [url = '', name = '', seed = ''] = process.argv.slice(2)
const callers = 6
const random = seeded(Number(seed))
const known = new Map<string, number>()
let count = 0

// Writing to a pipe is synchronous: what was said survives the kill that follows.
const say = (report: Report): void => void process.stdout.write(`${JSON.stringify(report)}\n`)

const given: Request[] = []
createInterface({ input: process.stdin })
  .on('line', (line) => given.push(JSON.parse(line)))
  // Nobody listens any more.
  .on('close', () => process.exit(1))

say({ kind: 'opening' })
const store = await openStore(url, { limits: { maxInlineBytes } })
const tenant = await store.tenant(tenantName)
say({ kind: 'opened' })
await Promise.all(Array.from({ length: callers }, () => call(tenant)))

async function call(tenant: Tenant): Promise<void> {
  for (;;) {
    const request = given.shift() ?? makeRequest(`${name}.${++count}`, random, known)
    try {
      await carryOut(tenant, request)
    } catch (error) {
      const problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
      say({ kind: 'wrong', problem: `${request.key}: ${problem}` })
      return
    }
  }
}

async function carryOut(tenant: Tenant, request: Request): Promise<void> {
  say({ kind: 'begun', request })
  const answer = await answerTo(tenant, request)
  if (answer === undefined) return say({ kind: 'rejected', key: request.key })
  say({ kind: 'done', key: request.key, answer })
  for (const { id, version } of answer.results) known.set(id, version)
  if (random.chance(0.1)) await checkVisible(tenant, answer)
}

/** `undefined` is a conflict. The deaths of others are no reason for any other failure. */
async function answerTo(tenant: Tenant, request: Request): Promise<Answer | undefined> {
  try {
    return answerOf(await tenant.transact(operationsOf(request), { request: request.key, actor: name }))
  } catch (error) {
    if (!isAnnalsError(error) || error._tag !== 'Conflict') throw error
    for (const { id, actual } of error.data.conflicts) known.set(id, actual)
    return undefined
  }
}

function answerOf({ id, results }: TransactionResult): Answer {
  return {
    id,
    results: results.map(({ id, version, changed, position }) => ({
      id,
      version,
      changed,
      ...(changed ? { place: `${position?.seq}-${position?.index}` } : undefined),
    })),
  }
}

/** An acknowledged write is visible to every read that begins after it. */
async function checkVisible(tenant: Tenant, { results }: Answer): Promise<void> {
  for (const { id, version } of results) {
    const seen = (await tenant.read(resourceType, id))?.version ?? 0
    if (seen < version) throw new Error(`${id} was acknowledged as version ${version} and read as ${seen}`)
  }
}
