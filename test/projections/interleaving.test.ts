/**
 * Workers, zombies, crashes, failures, rebuilds and live writes in any interleaving end equal to one clean fold.
 *
 * Each runner has ports of its own that fail at random, before and after a call has had its effect, and any of them may be
 * abandoned at any step and come back later, with what it still believes.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAnnalsError } from '../../domain/error.js'
import { defineProjection } from '../../src/index.js'
import { makeWorld, type Site } from '../protocol/world.js'
import { line } from './diary.js'
import { eventsOf, transaction, write } from './histories.js'

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), transaction }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      runner: fc.nat(2),
      failAt: fc.nat(12),
      lost: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abandon' as const), after: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rebuild' as const), runner: fc.nat(2), failAt: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), times: fc.integer({ min: 1, max: 10 }) }) },
)

/** A read model that an idempotent projection keeps: the last version of each resource, and every event once. */
function readModel(name: string, form: 'apply' | 'each') {
  const events = new Map<string, string>()
  const current = new Map<string, number>()
  const broken = { times: 0 }
  const learn = (told: string): void => {
    if (broken.times > 0 && broken.times-- > 0) throw new Error('not now')
    const [position = ''] = told.split(' ')
    events.set(position, told)
    const [, key = '', version = 0] = / (.*)@(\d+) /.exec(told) ?? []
    current.set(key, Math.max(current.get(key) ?? 0, Number(version)))
  }
  const projection = defineProjection({
    name,
    version: 1,
    ...(form === 'apply'
      ? { apply: async (page) => page.events.map(line).forEach(learn) }
      : { concurrency: 2, each: async (event) => learn(line(event)) }),
    reset: async () => {
      events.clear()
      current.clear()
    },
  })
  return { projection, events, current, broken }
}

test.each(['apply', 'each'] as const)('with %s', async (form) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      const world = makeWorld()
      const { tenant } = await world.enter()
      const sites = [await world.open(), await world.open(), await world.open()] as [Site, Site, Site]
      const model = readModel('model', form)
      const abandoned: Array<() => Promise<unknown>> = []
      const tolerate = (running: Promise<unknown>): Promise<unknown> =>
        running.catch((error) => {
          if (!isAnnalsError(error)) throw error
        })

      for (const each of steps) {
        if (each.do === 'write') {
          await write(tenant, [each.transaction])
          continue
        }
        if (each.do === 'break') {
          model.broken.times = each.times
          continue
        }
        // Who is abandoned has ports of its own, on which nobody else waits.
        const { store, pointers } = each.do === 'abandon' ? await world.open() : (sites[each.runner] as Site)
        if (each.do === 'rebuild' || each.do === 'run') {
          let calls = 0
          const direction = pointers.on('compareAndSet', /%projections/)
          if (each.do === 'run' && each.lost) direction.loseAnswer()
          else direction.failWhen(() => calls++ === each.failAt)
          await tolerate(
            each.do === 'run'
              ? store.projections.run('t', [model.projection])
              : store.projections.rebuild('t', model.projection),
          )
          pointers.heal()
        }
        if (each.do === 'abandon') {
          // It stands still before it saves, and comes back when others have gone on.
          const held = pointers.on('compareAndSet', /%projections/).hold()
          const running = tolerate(store.projections.run('t', [model.projection]))
          abandoned.push(async () => {
            held.release()
            await running
          })
          if (abandoned.length > each.after) await abandoned.shift()?.()
        }
      }
      for (const comeBack of abandoned) await comeBack()
      const { store } = await world.open()
      await store.projections.run('t', [model.projection])
      if (await store.projections.resume('t', 'model')) {
        model.broken.times = 0
        await store.projections.run('t', [model.projection])
      }

      const all = await eventsOf(tenant)
      expect([...model.events.values()].sort()).toEqual([...all].sort())
      const versions = new Map<string, number>()
      for (const event of all) {
        const [, key = '', version = 0] = / (.*)@(\d+) /.exec(event) ?? []
        versions.set(key, Number(version))
      }
      expect(model.current).toEqual(versions)
    }),
    { numRuns: 80 },
  )
})
