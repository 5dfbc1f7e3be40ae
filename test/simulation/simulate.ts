/**
 * One simulation: a world made by a seed, clients that keep it busy until they are done, and the judgement at the end.
 * The same seed gives the same world, the same steps and the same outcome, on every machine.
 */
import { memoryDoorbell } from '../../adapters/memory/index.js'
import type { Difference } from '../../src/recover/difference.js'
import { type Adapters, makeStore, type Tenant } from '../../src/store.js'
import { Violation, violate } from './call.js'
import { Cluster } from './cluster.js'
import { makeFollower } from './follower.js'
import { walkHistory } from './histories.js'
import { type Board, makeCall } from './make-call.js'
import { lateOwners } from './ports.js'
import { tenantName } from './process.js'
import { drawProfile, type Profile } from './profile.js'
import { makeProjector } from './projector.js'
import { makeRandom } from './random.js'
import { judgeVersion, readAsOf, readCurrent, readHead, readSnapshot, readVersion } from './reads.js'
import type { Subscriber } from './stints.js'
import { makeSubscriber } from './subscriber.js'
import type { TrueEvent } from './truth.js'
import { makeWorld, type World, type WorldOptions } from './world.js'
import { type Client, write } from './writes.js'

/** `trace` keeps the lines of the trace. */
export type SimulationOptions = WorldOptions

export interface SimulationResult {
  readonly seed: number
  /** What went wrong, if anything did. */
  readonly failure?: unknown
  readonly steps: number
  /** Of every step and outcome: two runs of a seed have the same. */
  readonly hash: string
  readonly trace: ReadonlyArray<string>
  readonly statistics: Readonly<Record<string, number>>
}

/** Steps that a simulation may take before it counts as stuck. */
const maxSteps = 60_000

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const random = makeRandom(seed)
  const profile = drawProfile(random.fork())
  const world: World = makeWorld(profile, random, options, () => cluster.names)
  const cluster = new Cluster(world)
  world.note(JSON.stringify(profile))
  let failure: unknown
  // A promise that fails while nobody listens ends a real process.
  const unheard = (reason: unknown): void =>
    world.scheduler.fail(new Violation('a failure that nobody handles', { cause: reason }))
  process.on('unhandledRejection', unheard)
  try {
    await play(world, cluster, profile)
  } catch (error) {
    failure = error
  } finally {
    process.off('unhandledRejection', unheard)
  }
  const { scheduler, trace, statistics, truth } = world
  world.count('commits', truth.length)
  world.count(
    'transactions',
    truth.commits.reduce((sum, { header }) => sum + header.transactions.length, 0),
  )
  world.count('steps', scheduler.steps)
  const result = {
    seed,
    steps: scheduler.steps,
    hash: trace.hash(),
    trace: trace.lines,
    statistics: Object.fromEntries(statistics),
  }
  return failure === undefined ? result : { ...result, failure }
}

async function play(world: World, cluster: Cluster, profile: Profile): Promise<void> {
  const { scheduler, random } = world
  const board: Board = new Map()
  const clientOf = (name: string): Client => ({
    world,
    reach: (random, not) => cluster.reach(random, not),
    random: random.fork(),
    board,
    name,
  })
  const clients = Array.from({ length: profile.clients }, (_, i) => clientOf(`client ${i}`))
  const subscribers = Array.from({ length: profile.subscribers }, (_, i) => {
    const make = random.chance(0.5) ? makeFollower : makeSubscriber
    return make(clientOf(`subscriber ${i}`))
  })
  const projectors = Array.from({ length: profile.projectors }, (_, i) => makeProjector(clientOf(`projector ${i}`)))
  const followers = [...subscribers, ...projectors]
  let busy = 0
  const start = (task: Promise<void>): void => {
    busy++
    task.catch(scheduler.fail).finally(() => {
      busy--
    })
  }

  cluster.start()
  for (const client of clients) start(work(client, profile.calls))
  const following = followers.map((follower) => follower.run())
  for (const end of following) end.catch(scheduler.fail)
  await scheduler.drive(
    () => busy === 0 && cluster.idle,
    maxSteps,
    () => cluster.befall(),
  )

  cluster.calmDown()
  start(finish(world, cluster, clients[0] as Client, followers))
  for (const end of following) start(end)
  await scheduler.drive(() => busy === 0, maxSteps)
  await judgeStorage(world, followers)
}

async function work(client: Client, calls: number): Promise<void> {
  const { world, random, board, name } = client
  for (let i = 0; i < calls; i++) {
    await world.scheduler.pause(name, 'thinks', random.magnitude(0.1, world.profile.thinking))
    const kind = random.weighted(activities)
    if (kind === 'write') await write(client, makeCall(world, random, board, `${name.replace('client ', 'c')}-${i}`))
    else await reading[kind](client)
  }
}

const reading = {
  current: readCurrent,
  snapshot: readSnapshot,
  asOf: readAsOf,
  head: readHead,
  version: readVersion,
  history: walkHistory,
}

const activities = { write: 60, current: 12, snapshot: 9, asOf: 6, head: 2, version: 3, history: 8 } as const

/** Nothing goes wrong any more: late requests arrive, every process closes and opens again, and everybody makes progress. */
async function finish(
  world: World,
  cluster: Cluster,
  client: Client,
  subscribers: ReadonlyArray<Subscriber>,
): Promise<void> {
  const { scheduler } = world
  for (const owner of Object.values(lateOwners)) for (const step of scheduler.take(owner)) step.run()
  await cluster.restartAll()
  if (cluster.open.length !== world.profile.stores) violate('not every store could be opened')
  await Promise.all(
    cluster.open.map(async (process) => {
      const call = makeCall(world, client.random, new Map(), `progress of ${process.name}`)
      await write({ ...client, reach: async () => process }, { ...call, request: call.name })
    }),
  )
  await Promise.all(cluster.open.map(({ tenant, name }) => judgeReads(world, tenant, name)))
  for (const subscriber of subscribers) subscriber.finish()
}

/** Every resource is shown as the log has it. */
async function judgeReads({ truth }: World, tenant: Tenant, name: string): Promise<void> {
  for (const [key, events] of truth.resources) {
    const last = events.at(-1) as TrueEvent
    const shown = await tenant.read(last.type, last.id)
    if (shown === undefined) violate(`${key} is not shown by ${name}`)
    judgeVersion(shown, last)
  }
}

/** A store straight over the storage finds nothing to complain about, and subscribers have folded what the log says. */
async function judgeStorage(world: World, subscribers: ReadonlyArray<Subscriber>): Promise<void> {
  const { truth, profile, blobs, pointers, scheduler } = world
  const adapters: Adapters = {
    url: 'simulation:',
    blobs,
    pointers,
    doorbell: memoryDoorbell(),
    clock: { now: scheduler.now, sleep: () => Promise.resolve() },
    ids: { uuid: () => 'the judge', random: () => 0 },
    baton: profile.baton,
    pollMs: 1_000,
    pointersLost: false,
    close: async () => undefined,
  }
  const store = await makeStore(adapters, { limits: profile.limits, create: false, recover: false })
  const differences: Difference[] = []
  const report = await store.verify(tenantName, {
    deep: true,
    onDifference: (difference) => differences.push(difference),
  })
  if (differences.length > 0) violate(`verification finds ${JSON.stringify(differences)}`)
  if (report.commits !== truth.length) violate(`verification finds ${report.commits} commits of ${truth.length}`)
  await judgeReads(world, await store.tenant(tenantName, { create: false }), 'a new store')
  for (const { map, name } of subscribers)
    for (const [key, events] of truth.resources)
      if (map !== undefined && map.get(key) !== events.at(-1)?.version)
        violate(`${name} folded ${key} to ${map.get(key)}, not to the end`)
}
