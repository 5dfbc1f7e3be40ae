/**
 * Sends generated requests to servers of several tenants over one store, and holds every answer, and in the end the store, to what
 * has to be so whatever was asked. The same seed sends the same, but for what it has heard of work in the background.
 */
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { fhirServer } from '../../../src/http/index.js'
import { openStore, type Store } from '../../../src/index.js'
import { seeded } from '../../torture/random.js'
import { type DoorName, doorNames, makeDoors, tenants } from './doors.js'
import { Places } from './places.js'
import { startProvider } from './provider.js'
import { foreignMarks, Run, type Shared, type Summary } from './run.js'
import { steps } from './steps.js'
import { actorProblem } from './tokens.js'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  readonly onProgress?: (summary: Summary) => void
}

/** Small enough for generated bodies, and for what is offered to submissions, to be over it. */
const maxBodyBytes = 64 * 1024
/** What waits for those that offer nothing, in milliseconds. */
const idleTimeoutMs = 500
/** A store is held for so many requests: what reads all of it would take longer and longer. */
const requestsOfStore = 10_000
const stepsAtOnce = 500
const maxProblems = 10

export async function fuzz({ requests, seed, onProgress }: FuzzOptions): Promise<Summary> {
  const summary: Summary = {
    requests: 0,
    statuses: new Map(),
    kinds: new Map(),
    credentials: new Map(),
    answers: new Map(),
    problems: [],
  }
  const isOver = (): boolean => summary.requests >= requests || summary.problems.length >= maxProblems
  for (let round = 0; !isOver(); round++) {
    const end = summary.requests + requestsOfStore
    await useStore(seed + round * 1_000_003, summary, () => isOver() || summary.requests >= end)
    onProgress?.(summary)
  }
  return summary
}

async function useStore(seed: number, summary: Summary, isOver: () => boolean): Promise<void> {
  const store = await openSeeded(seed)
  const provider = await startProvider()
  const { runs, close } = await serve(store, { summary, places: new Places(), provider: provider.url })
  try {
    for (let n = 0; !isOver(); n++)
      for (const step of fc.sample(steps, { seed: seed + n, numRuns: stepsAtOnce })) {
        await runs[step.door].take(step)
        if (isOver()) break
      }
    for (const name of doorNames) runs[name].end()
  } finally {
    await close()
    provider.close()
  }
  await checkStore(store, summary)
  await store.close()
}

/** Ids are of the seed as well, so that links to next pages are the same again. */
async function openSeeded(seed: number): Promise<Store> {
  const random = seeded(seed)
  const uuid = () =>
    `00000000-0000-7000-8000-${random
      .below(2 ** 47)
      .toString(16)
      .padStart(12, '0')}`
  const store = await openStore('memory:', {
    ids: { uuid, random: () => random.next() },
    sources: { allowPrivate: true, idleTimeoutMs, maxManifestBytes: maxBodyBytes, maxFileBytes: maxBodyBytes },
  })
  for (const tenant of tenants) await store.tenant(tenant)
  return store
}

async function serve(store: Store, shared: Shared) {
  const doors = await makeDoors()
  const served = await Promise.all(
    doorNames.map(async (name) => {
      const app = await fhirServer(store, { ...doors[name].options, maxBodyBytes, maxBundleBytes: maxBodyBytes })
      await app.listen({ host: '127.0.0.1', port: 0 })
      const root = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
      return { app, name, run: new Run(name, doors[name], root, shared) }
    }),
  )
  return {
    runs: Object.fromEntries(served.map(({ name, run }) => [name, run])) as Record<DoorName, Run>,
    close: () => Promise.all(served.map(({ app }) => app.close())),
  }
}

/** Nothing of one tenant stands in another's log, nothing is of whoever may not write it, and all that stands there holds together. */
async function checkStore(store: Store, { problems }: Summary): Promise<void> {
  for (const name of tenants) {
    const foreign = foreignMarks(name)
    for await (const { seq, transactions } of (await store.tenant(name)).commits())
      for (const { actor, correlation, events } of transactions)
        for (const { type, id, body } of events) {
          const text = `${id} ${Buffer.from(body ?? []).toString()}`
          const leaked = foreign.find((mark) => text.includes(mark))
          const problem = leaked === undefined ? actorProblem(actor, type, correlation) : `holds ${leaked}`
          if (problem !== undefined) problems.push(`commit ${seq} of ${name}: ${type}/${id} ${problem}`)
        }
    const onDifference = ({ kind, key, problem }: { kind: string; key: string; problem: string }) =>
      problems.push(`${name}: ${kind} ${key}: ${problem}`)
    await store.verify(name, { onDifference })
  }
}
