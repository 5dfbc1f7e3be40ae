/**
 * Sends generated requests to servers of several tenants over one store, and holds every answer, and in the end the store, to what
 * has to be so whatever was asked. The same seed sends the same.
 */
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { fhirServer } from '../../../src/http/index.js'
import { openStore, type Store } from '../../../src/index.js'
import { seeded } from '../../torture/random.js'
import { type DoorName, doorNames, makeDoors, tenants } from './doors.js'
import { foreignMarks, Run, type Summary } from './run.js'
import { steps } from './steps.js'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  readonly onProgress?: (summary: Summary) => void
}

/** Small enough for generated bodies to be over it. */
const maxBodyBytes = 64 * 1024
const stepsAtOnce = 500
const maxProblems = 10
const progressEvery = 10_000

export async function fuzz({ requests, seed, onProgress }: FuzzOptions): Promise<Summary> {
  const store = await openSeeded(seed)
  const summary: Summary = { requests: 0, statuses: new Map(), problems: [] }
  const { runs, close } = await serve(store, summary)
  const isOver = (): boolean => summary.requests >= requests || summary.problems.length >= maxProblems
  try {
    for (let n = 0; !isOver(); n++)
      for (const step of fc.sample(steps, { seed: seed + n, numRuns: stepsAtOnce })) {
        const before = summary.requests
        await runs[step.door].take(step)
        if (Math.floor(before / progressEvery) < Math.floor(summary.requests / progressEvery)) onProgress?.(summary)
        if (isOver()) break
      }
    for (const name of doorNames) runs[name].end()
    await checkStore(store, summary)
  } finally {
    await close()
    await store.close()
  }
  return summary
}

/** Ids are of the seed as well, so that links to next pages are the same again. */
async function openSeeded(seed: number): Promise<Store> {
  const random = seeded(seed)
  const uuid = () =>
    `00000000-0000-7000-8000-${random
      .below(2 ** 47)
      .toString(16)
      .padStart(12, '0')}`
  const store = await openStore('memory:', { ids: { uuid, random: () => random.next() } })
  for (const tenant of tenants) await store.tenant(tenant)
  return store
}

async function serve(store: Store, summary: Summary) {
  const doors = await makeDoors()
  const served = await Promise.all(
    doorNames.map(async (name) => {
      const app = await fhirServer(store, { ...doors[name].options, maxBodyBytes, maxBundleBytes: maxBodyBytes })
      await app.listen({ host: '127.0.0.1', port: 0 })
      const root = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
      return { app, name, run: new Run(name, doors[name], root, summary) }
    }),
  )
  return {
    runs: Object.fromEntries(served.map(({ name, run }) => [name, run])) as Record<DoorName, Run>,
    close: () => Promise.all(served.map(({ app }) => app.close())),
  }
}

/** Nothing of one tenant stands in another's log, and all that stands there holds together. */
async function checkStore(store: Store, { problems }: Summary): Promise<void> {
  for (const name of tenants) {
    const foreign = foreignMarks(name)
    for await (const { seq, transactions } of (await store.tenant(name)).commits())
      for (const { type, id, body } of transactions.flatMap(({ events }) => events)) {
        const text = `${id} ${Buffer.from(body ?? []).toString()}`
        const leaked = foreign.find((mark) => text.includes(mark))
        if (leaked !== undefined) problems.push(`commit ${seq} of ${name}: ${type}/${id} holds ${leaked}`)
      }
    const onDifference = ({ kind, key, problem }: { kind: string; key: string; problem: string }) =>
      problems.push(`${name}: ${kind} ${key}: ${problem}`)
    await store.verify(name, { onDifference })
  }
}
