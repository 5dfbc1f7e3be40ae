/** What befalls a projection, promise by promise. Each ends with a look at what has become of the target. */
import assert from 'node:assert/strict'
import type { Build, Trial } from './trial.js'

export async function pages<T>({ build, page }: Trial<T>): Promise<void> {
  const short = await build()
  await short.process({ page: page() })
  await short.same('built in short pages')
  const cut = await build()
  await cut.processes()
  await cut.same('built by processes that end after a page each')
}

export async function again<T>({ build, page, random }: Trial<T>): Promise<void> {
  const whole = await build()
  const places = await whole.processes()
  for (let n = 0; n < 3 && places.length > 0; n++) {
    await whole.windBack(random.pick(places))
    await whole.process({ page: page() })
    await whole.same('told again from an earlier checkpoint')
  }
  const crashed = await build()
  do await crashed.process({ page: page(), end: 'crashed' })
  while (!(await crashed.process({ page: page(), end: random.pick(['saved', undefined]) })))
  await crashed.same('built by processes that crash before the store knows of a page')
}

export async function failure<T>(trial: Trial<T>): Promise<void> {
  const events = await told(trial)
  if (events.length === 0) return
  const failAt = trial.random.pick(events)
  const failed = await trial.build()
  await failed.process({ page: trial.page(), failAt, mayFail: true })
  await failed.same(`failed once at the event ${failAt}`)
}

export async function late<T>(trial: Trial<T>): Promise<void> {
  const slow = await trial.build()
  const wake = await asleep(slow, trial)
  await slow.process({ page: trial.page() })
  await wake()
  await slow.same('told an old page by a worker that was taken for dead')
}

export async function rebuild<T>(trial: Trial<T>): Promise<void> {
  const { build, page, random } = trial
  const built = await build()
  const wake = await asleep(built, trial)
  await built.process()
  await built.process({ rebuild: true, page: page() })
  await built.same('built anew in place')
  await built.process({ rebuild: true, page: page(), end: random.pick(['saved', 'crashed']) })
  await built.process({ page: page() })
  await built.same('built anew by a process that ended, and one that went on')
  const before = async (n: number): Promise<void> => (n === 0 ? wake() : undefined)
  await built.process({ rebuild: true, page: page(), before, mayFail: true })
  // Where there was no page, nobody has been woken yet.
  await wake()
  await built.same('told an old page when a rebuild had just forgotten everything')
  await trial.elsewhere(async (other) => {
    const left = await other.build()
    await left.process()
    const again = await build(left.target)
    await again.process({ rebuild: true, page: page() })
    await again.same('built anew where another log has left its result (does it have a reset?)')
  })
}

export async function writes<T>({ build, page, world, more }: Trial<T>): Promise<void> {
  const built = await build()
  await built.process()
  const coming = [...more()]
  const before = async (): Promise<void> => {
    const next = coming.shift()
    if (next !== undefined) await world.write([next])
  }
  await built.process({ rebuild: true, page: page(), before })
  await built.same('built anew while others wrote')
}

export async function once<T>(trial: Trial<T>): Promise<void> {
  const { build, page, random } = trial
  const events = await told(trial)
  const applied: string[] = []
  const exact = await build()
  const ends = ['saved', 'crashed', 'crashed', undefined] as const
  const after = (_: number, positions: ReadonlyArray<string>): void => void applied.push(...positions)
  let atHead = events.length === 0
  while (!atHead) {
    const failAt = random.pick(events)
    atHead = await exact.process({ page: page(), end: random.pick(ends), after, failAt, mayFail: true })
  }
  await exact.same('built by processes that crash and fail')
  for (const event of events) {
    const times = applied.filter((each) => each === event).length
    assert.equal(times, 1, `the event ${event} was applied ${times} times`)
  }
}

async function told<T>({ build }: Trial<T>): Promise<ReadonlyArray<string>> {
  const events: string[] = []
  await (await build()).process({ after: (_, positions) => void events.push(...positions) })
  return events
}

/** A worker that stands still before one of its first pages. The answer lets it go on, and waits until it ends. */
async function asleep<T>(build: Build<T>, { page, random }: Trial<T>): Promise<() => Promise<void>> {
  const last = random.below(4)
  let wake = (): void => undefined
  const awake = new Promise<void>((resolve) => {
    wake = resolve
  })
  let ended: Promise<unknown> = Promise.resolve()
  await new Promise<void>((fallenAsleep) => {
    const before = async (n: number): Promise<void> => {
      if (n !== last) return
      fallenAsleep()
      await awake
    }
    ended = build.process({ page: page(), before, mayFail: true }).finally(fallenAsleep)
    ended.catch(() => undefined)
  })
  return async () => {
    wake()
    await ended
  }
}
