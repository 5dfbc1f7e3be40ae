/** `annals projections`: what is folded from the log, how far it has come, and how to bring it forward. */
import type { Command } from 'commander'
import {
  currentIndexProjection,
  type DefinedProjection,
  type ObjectPart,
  objectParts,
  objectsProjection,
  type ProjectionStatus,
  type Store,
} from '../../index.js'
import { exitCodes } from '../exit.js'
import { usage } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeProgressBar } from '../progress.js'
import { makeSession, type Session, type Surroundings, withStore } from '../session.js'
import { settingsOf, tenantsOf, withCommonFlags } from '../settings.js'
import { type Column, makeTable } from '../table.js'
import { grouped, plural } from '../text.js'

const known: ReadonlyArray<DefinedProjection> = [currentIndexProjection, objectsProjection()]
const names = known.map(({ name }) => name).join(', ')
const partNames = objectParts.join(', ')

const examples = `  annals projections list                        where each projection of a tenant stands
  annals projections run                         bring them up to the head
  annals projections run --all --follow          work for every tenant, with other processes, until Ctrl-C
  annals projections run objects --parts current every current version as an object, for readers without a store
  annals projections rebuild current-index       build it anew from the first event, while writes go on
  annals projections resume current-index        go on after a failure, once its cause is mended

current-index is what lists and counts go by. objects writes every event as JSON objects that any S3 client can list; its parts
are ${partNames}.
Without names, 'run' takes those that have run before on the tenant, or current-index if none has.
With --json: a line for each projection, {"tenant","projection":{"name","version","state","serves","seq","lag",…}}.
Exit code 1 if one of them is parked: it has failed too often at one event, and waits for a person.`

const columns: ReadonlyArray<Column> = [
  { title: 'tenant' },
  { title: 'projection', paint: (colors, cell) => colors.bold(cell) },
  { title: 'version', right: true },
  { title: 'state', paint: (colors, cell) => (cell.startsWith('parked') ? colors.red(cell) : colors.green(cell)) },
  { title: 'commit', right: true },
  { title: 'behind', right: true },
  { title: 'seconds', right: true },
  { title: 'cause' },
]

interface Flags {
  readonly all?: boolean
  readonly follow?: boolean
  readonly parts?: ReadonlyArray<ObjectPart>
}

const allFlag = ['--all', 'every tenant of the store'] as const
const partsFlag = [
  '--parts <parts>',
  `with objects: which, separated by commas (default: all of ${partNames})`,
] as const

const toParts = (text: string): ReadonlyArray<ObjectPart> => text.split(',') as ObjectPart[]

export const addProjections: AddCommand = (make, surroundings) => {
  const group = make('projections', 'List, run, rebuild and resume what is folded from the log', examples)
  const add = (words: string, summary: string): Command =>
    withCommonFlags(group.command(words).summary(summary).description(summary).exitOverride())

  add('list', 'Where each projection stands')
    .option(...allFlag)
    .action((flags: Flags) => forTenants(surroundings, flags, (_, store, tenant) => store.projections.list(tenant)))
  add('run [names...]', 'Bring projections up to the head')
    .option(...allFlag)
    .option(...partsFlag, toParts)
    .option('--follow', 'go on with new commits as they come, sharing the work with other processes that do')
    .action((asked: string[], flags: Flags) =>
      flags.follow === true
        ? follow(surroundings, asked, flags)
        : forTenants(surroundings, flags, runner(asked, flags)),
    )
  add('rebuild <name>', 'Build a projection anew from the first event, in place')
    .option(...allFlag)
    .option(...partsFlag, toParts)
    .action((name: string, flags: Flags) => forTenants(surroundings, flags, rebuilder(named(name, flags))))
  add('resume <name>', 'Let a parked projection go on, once its cause is mended').action((name: string, flags: Flags) =>
    forTenants(surroundings, flags, async (session, store, tenant) => {
      const was = await store.projections.resume(tenant, name)
      session.note(was ? `'${name}' goes on with its next run` : `'${name}' was not parked`)
      return (await store.projections.list(tenant)).filter((status) => status.name === name)
    }),
  )
}

type Step = (session: Session, store: Store, tenant: string) => Promise<ReadonlyArray<ProjectionStatus>>

async function forTenants(surroundings: Surroundings, flags: Flags, step: Step): Promise<void> {
  const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
  const { out, json, colors } = session
  const table = makeTable(out, colors, columns)
  await withStore(session, { create: false }, async (store) => {
    for await (const tenant of tenantsOf(session, store, flags.all))
      for (const projection of await step(session, store, tenant)) {
        if (json) await out.line(JSON.stringify({ tenant, projection }))
        else await table.row(cells(tenant, projection))
        if (projection.state === 'parked') surroundings.finish(exitCodes.failed)
      }
    await table.flush()
  })
}

/** Runs what is asked for, or what has run before. */
function runner(asked: ReadonlyArray<string>, flags: Flags): Step {
  const chosen = asked.map((name) => named(name, flags))
  return async (session, store, tenant) => {
    const projections = chosen.length > 0 ? chosen : await usual(store, tenant)
    return withBar(session, (options) => store.projections.run(tenant, projections, options))
  }
}

function rebuilder(projection: DefinedProjection): Step {
  return (session, store, tenant) =>
    withBar(session, (options) => store.projections.rebuild(tenant, projection, options))
}

async function usual(store: Store, tenant: string): Promise<ReadonlyArray<DefinedProjection>> {
  const before = await store.projections.list(tenant)
  const usual = before.flatMap(({ name, settings }) =>
    known.some((each) => each.name === name)
      ? [named(name, name === 'objects' ? { parts: settings.split(' ') as ObjectPart[] } : {})]
      : [],
  )
  return usual.length > 0 ? usual : [currentIndexProjection]
}

type Options = NonNullable<Parameters<Store['projections']['run']>[2]>

async function withBar<A>(session: Session, body: (options: Options) => Promise<A>): Promise<A> {
  const bar = makeProgressBar(session)
  const { signal } = session
  try {
    return await body({
      signal,
      onProgress: ({ projection, done, total, events }) =>
        bar.update(done, total, `${projection}: commit ${done} of ${total}, ${plural(events, 'event')}`),
      onFailure: (error, projection) => {
        bar.clear()
        session.note(`${projection}: ${error instanceof Error ? error.message : 'failed'}`)
      },
    })
  } finally {
    bar.stop()
  }
}

/** A worker among others, until Ctrl-C. */
async function follow(surroundings: Surroundings, asked: ReadonlyArray<string>, flags: Flags): Promise<void> {
  const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
  const { signal, note } = session
  await withStore(session, { create: false }, async (store) => {
    const worker = store.projections.work(
      asked.length > 0 ? asked.map((name) => named(name, flags)) : [currentIndexProjection],
      {
        ...(flags.all === true ? undefined : { tenants: [session.tenant] }),
        onFailure: (error, projection) => note(`${projection}: ${error instanceof Error ? error.message : 'failed'}`),
      },
    )
    note(`worker ${worker.name} is at work; Ctrl-C ends it`)
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await worker.stop()
  })
}

function named(name: string, { parts }: Flags): DefinedProjection {
  const found = known.find((each) => each.name === name)
  if (found?.name === 'objects' && parts !== undefined) return objectsProjection({ parts })
  if (found !== undefined) return found
  throw usage(`there is no projection '${name.slice(0, 64)}' here; there are: ${names}`)
}

function cells(
  tenant: string,
  { name, version, partition, state, serves, seq, lag, parked }: ProjectionStatus,
): string[] {
  return [
    partition === 0 ? tenant : `${tenant}/${partition}`,
    name,
    String(version),
    serves ? state : `${state}, does not serve yet`,
    grouped(seq),
    grouped(lag.commits),
    lag.seconds.toFixed(1),
    parked === undefined ? '' : `at ${parked.position}, after ${plural(parked.failures, 'failure')}: ${parked.cause}`,
  ]
}
