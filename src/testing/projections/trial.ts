/** One history, and builds of a projection by processes that begin, end, crash and come late. */
import assert from 'node:assert/strict'
import { isAnnalsError } from '../../../domain/error.js'
import { checkpointStore } from '../../../projections/checkpoint.js'
import type { Place } from '../../../projections/projection.js'
import type { PageOptions } from '../../project/api.js'
import { amongFaults, type Faults } from './faults.js'
import { generateHistory, type History, type HistoryShape } from './history.js'
import { type Random, seeded } from './random.js'
import type { ProjectionSubject } from './subject.js'
import { type HistoryStore, storeWith, tenantName } from './world.js'

export interface Trial<Target> {
  readonly random: Random
  readonly world: HistoryStore
  /** A build that has not begun, in a fresh target or in this one. */
  build(target?: Target): Promise<Build<Target>>
  /** Small limits of a page, by chance. */
  page(): PageOptions
  /** What one process that nothing disturbs makes of the history as it is now. */
  clean(): Promise<unknown>
  /** Further transactions. */
  more(): History
  /** A trial with another history. */
  elsewhere(check: (other: Trial<Target>) => Promise<void>): Promise<void>
}

/** A target that is written to. The store knows it by a name of its own. */
export interface Build<Target> {
  readonly target: Target
  /** One process. Answers whether it came to the head. */
  process(process?: Process): Promise<boolean>
  /** Processes that end after a page each, until one comes to the head. Answers the places where they ended. */
  processes(): Promise<ReadonlyArray<Place>>
  /** Makes the store believe that it stands there. */
  windBack(place: Place): Promise<void>
  /** Fails unless the target holds what a clean build would. */
  same(when: string): Promise<void>
}

export interface Process extends Faults {
  readonly page?: PageOptions
  /** Builds anew. */
  readonly rebuild?: boolean
  /** Ends after its first page: `saved`, or `crashed` before the store knows of it. */
  readonly end?: 'saved' | 'crashed'
  /** The projection may fail, and has to go on all the same. */
  readonly mayFail?: boolean
}

export interface TrialOf<Target> {
  readonly subject: ProjectionSubject<Target>
  readonly shape: HistoryShape
  readonly history: History
  readonly seed: number
}

/** Runs a check in a trial of its own, and lets go of what it has used. */
export async function inTrial<Target>(
  of: TrialOf<Target>,
  check: (trial: Trial<Target>) => Promise<void>,
): Promise<void> {
  const { subject, history, shape } = of
  const world = await storeWith(history, shape.kind)
  const targets: Target[] = []
  try {
    await check(makeTrial(of, world, targets))
  } finally {
    for (const target of targets) await subject.close?.(target)
    await world.store.close()
  }
}

function makeTrial<Target>(of: TrialOf<Target>, world: HistoryStore, targets: Target[]): Trial<Target> {
  const { subject, shape } = of
  const random = seeded(of.seed)
  let builds = 0
  const page = (): PageOptions => ({ events: 1 + random.below(6), commits: 1 + random.below(4) })

  async function fresh(): Promise<Target> {
    const target = await subject.target()
    targets.push(target)
    return target
  }

  async function build(given?: Target): Promise<Build<Target>> {
    const target = given ?? (await fresh())
    return makeBuild({ subject, world, page, clean, name: `build-${++builds}`, target })
  }

  async function clean(): Promise<unknown> {
    const { target, process } = await build()
    await process()
    return subject.read(target)
  }

  const more = (): History => generateHistory(random, shape).map(({ at: _, ...rest }) => rest)

  const elsewhere: Trial<Target>['elsewhere'] = (check) =>
    inTrial({ ...of, history: generateHistory(random, shape), seed: random.below(2 ** 32) }, check)

  return { random, world, build, page, clean, more, elsewhere }
}

interface BuildDeps<Target> extends Pick<Trial<Target>, 'world' | 'page' | 'clean'> {
  readonly subject: ProjectionSubject<Target>
  readonly name: string
  readonly target: Target
}

function makeBuild<Target>({ subject, world, page, clean, name, target }: BuildDeps<Target>): Build<Target> {
  const { version } = subject.projection(target)
  const checkpoints = checkpointStore(world.pointers, { tenant: tenantName, partition: 0 })
  let begun = 0

  async function process({ rebuild, end, mayFail, page: limits, ...faults }: Process = {}): Promise<boolean> {
    // Even one event a page, and most processes crashing, needs fewer.
    if (begun++ > 50 + 10 * world.operations())
      throw new Error(`it does not move on: ${begun} processes have not sufficed`)
    const stopping = new AbortController()
    const failures: unknown[] = []
    const crash = (): void => {
      stopping.abort()
      throw new Error('the process ends here')
    }
    const after: Faults['after'] = (number, events) => {
      faults.after?.(number, events)
      if (end === 'crashed') crash()
    }
    const projection = amongFaults(name, subject.projection(target), { ...faults, after })
    const options = {
      page: limits,
      signal: stopping.signal,
      onProgress: () => end === 'saved' && stopping.abort(),
      onFailure: (failure: unknown) => {
        failures.push(failure)
        if (mayFail !== true) stopping.abort()
      },
    }
    const { projections } = world.store
    const running = rebuild
      ? projections.rebuild(tenantName, projection, options)
      : projections.run(tenantName, [projection], options)
    await running.catch((error) => {
      if (!isAnnalsError(error) || error._tag !== 'Cancelled') throw error
    })
    if (failures.length > 0 && mayFail !== true) throw failures[0]
    const parked = (await checkpoints.load(name, version))?.parked
    if (parked !== undefined) throw new Error('it failed again and again, and would be parked', { cause: failures[0] })
    return !stopping.signal.aborted
  }

  return {
    target,
    process,
    async processes() {
      const places: Place[] = []
      while (!(await process({ page: page(), end: 'saved' }))) {
        const checkpoint = await checkpoints.load(name, version)
        if (checkpoint !== undefined) places.push(checkpoint.place)
      }
      return places
    },
    async windBack(place) {
      const checkpoint = await checkpoints.load(name, version)
      assert.ok(checkpoint !== undefined, 'it has never run')
      await checkpoints.save(name, version, { ...checkpoint, place }, checkpoint.rev)
    },
    async same(when) {
      const [actual, expected] = [await subject.read(target), await clean()]
      try {
        assert.deepStrictEqual(actual, expected)
      } catch (error) {
        throw new Error(`${when}, it is not what one undisturbed build comes to\n${(error as Error).message}`)
      }
    },
  }
}
