/** The contract of projections: right ones keep it, and for each promise there is a wrong one that it finds out. */
import { describe, expect, test } from 'vitest'
import { defineProjection, type ProjectionDefinition, type ResourceVersion } from '../../src/index.js'
import { type ProjectionSubject, projectHistory, projectionContract } from '../../src/testing/index.js'
import { line } from './diary.js'

/** A table with a checkpoint of its own: what a database would keep, and change in one transaction. */
interface Table {
  rows: Map<string, string>
  own: string | undefined
  count: number
}

const table = (): Table => ({ rows: new Map(), own: undefined, count: 0 })
const read = ({ rows, count }: Table) => ({ rows: [...rows].sort(), count })
const keyOf = ({ type, id }: ResourceVersion): string => `${type}/${id}`
const forget = (target: Table): void => void Object.assign(target, table())

type Part = Omit<ProjectionDefinition, 'name' | 'version'>

function subject(
  part: (target: Table) => Part,
  rest: Partial<ProjectionSubject<Table>> = {},
): ProjectionSubject<Table> {
  const named = (target: Table): ProjectionDefinition => ({ name: 'table', version: 1, ...part(target) })
  return { target: table, read, projection: (target) => defineProjection(named(target)), ...rest }
}

const newerOnly = (target: Table, event: ResourceVersion): void => {
  const known = Number(target.rows.get(keyOf(event))?.split(' ')[0] ?? 0)
  if (event.version > known) target.rows.set(keyOf(event), `${event.version} ${event.deleted ? '' : event.text()}`)
}

const inOrder = (change: (event: ResourceVersion) => void) => (page: { events: ReadonlyArray<ResourceVersion> }) =>
  Promise.resolve(page.events.forEach(change))

/** Effect and checkpoint together, or neither; what does not follow is refused. */
const transactional = (target: Table): Part => ({
  checkpoint: async () => target.own,
  reset: async () => forget(target),
  apply: async ({ events, previous, checkpoint }) => {
    if (target.own !== previous) throw new Error('somebody else was faster')
    const rows = new Map([...target.rows, ...events.map((event) => [keyOf(event), line(event)] as const)])
    Object.assign(target, { rows, count: target.count + events.length, own: checkpoint })
  },
})

const right: Record<string, ProjectionSubject<Table>> = {
  'the newest version of each resource, by pages': subject((target) => ({
    apply: inOrder((event) => newerOnly(target, event)),
    reset: async () => forget(target),
  })),
  'the newest version of each resource, event by event': subject((target) => ({
    each: async (event) => newerOnly(target, event),
    concurrency: 2,
    reset: async () => forget(target),
  })),
  'some types, of FHIR': subject(
    (target) => ({
      types: ['Patient'],
      operations: ['update', 'delete'],
      apply: inOrder((event) => newerOnly(target, event)),
      reset: async () => forget(target),
    }),
    { kind: 'fhir' },
  ),
  'a count, with a checkpoint of its own': subject(transactional, { exactlyOnce: true }),
}

describe.each(Object.entries(right))('%s', (_, each) => {
  test.each(projectionContract(each))('$promise', ({ check }) => check())
})

interface Wrong {
  readonly breaks: RegExp
  readonly subject: ProjectionSubject<Table>
}

const wrong: Record<string, Wrong> = {
  'one that looks at nothing': {
    breaks: /^what it builds depends on the history/,
    subject: subject(() => ({ apply: async () => undefined })),
  },
  'one that counts pages': {
    breaks: /^pages of any size/,
    subject: subject((target) => ({ apply: async () => void target.count++, reset: async () => forget(target) })),
  },
  'one that remembers in its process': {
    breaks: /^pages of any size/,
    subject: subject(
      (target) => {
        const seen = new Set<string>()
        return {
          ...transactional(target),
          apply: async (page, context) => {
            await transactional(target).apply?.(page, context)
            for (const event of page.events) seen.add(keyOf(event))
            target.count = seen.size
          },
        }
      },
      { exactlyOnce: true },
    ),
  },
  'one that counts what comes again': {
    breaks: /^what is delivered again/,
    subject: subject((target) => ({
      apply: inOrder(() => void target.count++),
      reset: async () => forget(target),
    })),
  },
  'one whose effect and checkpoint are two steps': {
    breaks: /^a failure at any event/,
    subject: subject(
      (target) => ({
        ...transactional(target),
        apply: async ({ events, previous, checkpoint }) => {
          if (target.own !== previous) throw new Error('somebody else was faster')
          for (const event of events) {
            target.rows.set(keyOf(event), line(event))
            target.count++
          }
          target.own = checkpoint
        },
      }),
      { exactlyOnce: true },
    ),
  },
  'one that lets the last word win': {
    breaks: /^an old page that comes late/,
    subject: subject((target) => ({
      apply: inOrder((event) => void target.rows.set(keyOf(event), line(event))),
      reset: async () => forget(target),
    })),
  },
  'one that does not look where it stands': {
    breaks: /^an old page that comes late/,
    subject: subject(
      (target) => ({
        ...transactional(target),
        apply: (page, context) =>
          transactional(target).apply?.({ ...page, ...{ previous: target.own } }, context) ?? Promise.resolve(),
      }),
      { exactlyOnce: true },
    ),
  },
  'one that takes any page when it stands nowhere': {
    breaks: /^a rebuild comes to/,
    subject: subject(
      (target) => ({
        ...transactional(target),
        apply: (page, context) =>
          transactional(target).apply?.(target.own === undefined ? { ...page, previous: undefined } : page, context) ??
          Promise.resolve(),
      }),
      { exactlyOnce: true },
    ),
  },
  'one without a reset': {
    breaks: /^a rebuild comes to/,
    subject: subject((target) => ({ apply: inOrder((event) => newerOnly(target, event)) })),
  },
  'one that forgets its rows and not its checkpoint': {
    breaks: /^a rebuild comes to/,
    subject: subject((target) => ({ ...transactional(target), reset: async () => target.rows.clear() }), {
      exactlyOnce: true,
    }),
  },
  'one that rebuilds as far as it once was': {
    breaks: /^writes during a rebuild/,
    subject: subject((target) => ({
      apply: async ({ events }, { isRebuild }) => {
        for (const event of events) {
          const { seq } = event.position
          if (isRebuild && seq > target.count) continue
          newerOnly(target, event)
          target.count = Math.max(target.count, seq)
        }
      },
      reset: async () => target.rows.clear(),
    })),
  },
  'one that writes down its checkpoint now and then': {
    breaks: /^each event is applied exactly once/,
    subject: subject(
      (target) => {
        let pages = 0
        return {
          checkpoint: async () => target.own,
          reset: async () => forget(target),
          apply: async ({ events, checkpoint }) => {
            for (const event of events) newerOnly(target, event)
            if (pages++ % 2 === 1) target.own = checkpoint
          },
        }
      },
      { exactlyOnce: true },
    ),
  },
}

/** What the promise comes to that begins so: its error's message, or `kept`. */
async function outcomeOf(promise: RegExp, each: ProjectionSubject<Table>): Promise<string | undefined> {
  const found = projectionContract(each).find((one) => promise.test(one.promise))
  return found?.check().then(
    () => 'kept',
    (error: Error) => error.message,
  )
}

test.each(Object.entries(wrong))('%s is found out', async (_, { breaks, subject }) => {
  expect(await outcomeOf(breaks, { ...subject, seed: 7 })).toMatch(/^broken: .*seed \d+|^no generated history/s)
})

test('what is broken is told with a seed that repeats it, and with a short history', async () => {
  const counts = subject((target) => ({ apply: inOrder(() => void target.count++), reset: async () => forget(target) }))
  const failing = (more: Partial<ProjectionSubject<Table>>) =>
    outcomeOf(/^what is delivered again/, { ...counts, ...more })
  const message = await failing({})
  const [, seed] = /\{ seed: (\d+), runs: 1 \}/.exec(message ?? '') ?? []
  expect(message).toMatch(/^broken: what is delivered again/)
  expect(message).toMatch(/history:\n {2}1\. .*$/)
  expect(await failing({ seed: Number(seed), runs: 1 })).toBe(message)
})

test('histories of one’s own are checked too', async () => {
  const history = [[{ op: 'create' as const, type: 'Rare', id: 'x', body: '{}' }]]
  const rare = subject((target) => ({
    apply: inOrder((event) => void (event.type === 'Rare' && target.count++)),
    reset: async () => forget(target),
  }))
  expect(await outcomeOf(/^what it builds/, rare)).toMatch('no generated history changes')
  const own = { ...rare, histories: [history], runs: 0 }
  expect(await outcomeOf(/^what it builds/, own)).toBe('kept')
  expect(await outcomeOf(/^what is delivered again/, own)).toMatch(/Rare\/x/)
})

test('who says exactly once has a checkpoint, and who has a checkpoint says so', async () => {
  const [first] = projectionContract({ ...subject(transactional) })
  await expect(first?.check()).rejects.toThrow('exactlyOnce')
  const mails = subject((target) => ({ sideEffects: true, each: async (event) => newerOnly(target, event) }))
  await expect(projectionContract(mails)[0]?.check()).rejects.toThrow('side effects')
})

test('a unit test of a projection is a history, a call and a look', async () => {
  const target = table()
  const history = [
    { op: 'create' as const, type: 'Note', id: 'a', body: { n: 1 } },
    { operations: [{ op: 'delete' as const, type: 'Note', id: 'a' }], actor: 'ada', at: '2026-03-01' },
  ]
  const told: string[] = []
  const each = async ({ op, at, actor }: ResourceVersion) => void told.push(`${at} ${op} ${actor ?? '?'}`)
  await projectHistory(defineProjection({ name: 'audit', version: 1, each }), history)
  expect(told).toEqual(['2026-01-01T00:00:00.000000Z create ?', '2026-03-01T00:00:00.000000Z delete ada'])

  told.length = 0
  await projectHistory(defineProjection({ name: 'mails', version: 1, sideEffects: true, each }), history)
  expect(told).toHaveLength(2)
  const broken = defineProjection({ name: 'broken', version: 1, each: () => Promise.reject(new RangeError('mine')) })
  await expect(projectHistory(broken, history)).rejects.toThrow(RangeError)
  const none = (year: number) => ({
    operations: [{ op: 'delete' as const, type: 'Note', id: 'b' }],
    at: `${year}-01-01`,
  })
  await expect(projectHistory(broken, [none(2031), none(2030)])).rejects.toThrow('goes forward')
  expect(read(target).count).toBe(0)
})
