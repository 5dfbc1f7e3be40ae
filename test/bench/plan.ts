/** What is measured: each scenario with its subjects, and the figures that it gives. */

export type Subject = 'annals' | 'floor' | 'sqlite' | 'sqlite-batches' | 'emmett' | 'castore'

export interface Metric {
  /** As the scenario's program names it. */
  readonly key: string
  readonly title: string
  readonly unit: string
  /** Less is better: a time. */
  readonly isTime?: true
}

export interface Scenario {
  readonly name: string
  /** A program of `scenarios/`, run in a process of its own for each subject and each run. */
  readonly program: string
  readonly args: Readonly<Record<string, number>>
  readonly subjects: ReadonlyArray<Subject>
  readonly metrics: ReadonlyArray<Metric>
  /** It takes minutes: it runs when it is asked for by name. */
  readonly isLong?: true
}

export const subjectTitles: Readonly<Record<Subject, string>> = {
  annals: 'Annals',
  floor: 'floor',
  sqlite: 'SQLite table',
  'sqlite-batches': 'SQLite table, same batches',
  emmett: 'Emmett on SQLite',
  castore: 'Castore in memory',
}

/** Which package of `peers/` a subject needs. */
export const peerPackages: Readonly<Partial<Record<Subject, string>>> = {
  sqlite: 'better-sqlite3',
  'sqlite-batches': 'better-sqlite3',
  emmett: '@event-driven-io/emmett-sqlite',
  castore: '@castore/event-storage-adapter-in-memory',
}

const seconds = 3
const rate = (title: string, unit: string): Metric[] => [{ key: 'rate', title, unit }]
const time = (key: string, title: string): Metric => ({ key, title, unit: 'ms', isTime: true })

const memory = (key: string, title: string): Metric => ({ key, title, unit: 'MiB', isTime: true })

const processorTime: Metric = { key: 'cpu', title: 'its processor time, all threads', unit: 'µs each', isTime: true }

const ownMemory = memory('own', 'its peak memory, own pages')

const write = (callers: number, title: string, subjects: ReadonlyArray<Subject>): Scenario => ({
  name: `write-${callers}`,
  program: 'write.mjs',
  args: { callers, seconds },
  subjects: ['annals', 'floor', ...subjects],
  metrics: rate(title, 'writes/s'),
})

const read = (callers: number, cache: boolean, title: string, subjects: ReadonlyArray<Subject>): Scenario => ({
  name: `read-${callers}${cache ? '-cached' : ''}`,
  program: 'read.mjs',
  args: { callers, seconds, cacheBytes: cache ? 64 * 1024 * 1024 : 0 },
  subjects: ['annals', 'floor', ...subjects],
  metrics: rate(title, 'reads/s'),
})

const folding = (program: string, perCommit: number, events: number, title: string, peers: Subject[]): Scenario => ({
  name: `${program}-${perCommit}`,
  program: `${program}.mjs`,
  args: { perCommit, events },
  subjects: ['annals', 'floor', ...peers],
  metrics: rate(title, 'events/s'),
})

const connections = 64

const http = (what: string, metrics: Metric[], args: Scenario['args'], peers: ReadonlyArray<Subject>): Scenario => ({
  name: `http-${what}`,
  program: `http-${what}.mjs`,
  args: { connections, warmUp: 5, seconds: 5, ...args },
  subjects: ['annals', 'floor', ...peers],
  metrics,
})

/** Of requests whose sum is the first metric. */
const answers = (perSecond: number): Metric[] => [
  time('p50', 'its answers, p50'),
  time('p99', 'its answers, p99'),
  processorTime,
  time('due99', `answers to ${perSecond.toLocaleString('en')}/s that come steadily, p99`),
]

const exporting = (name: string, resources: number): Scenario => ({
  name,
  program: 'export.mjs',
  args: { resources, perCommit: 100 },
  subjects: ['annals', 'floor'],
  metrics: [
    ...rate(`Export ${resources.toLocaleString('en')}, commits of 100`, 'resources/s'),
    processorTime,
    ownMemory,
  ],
})

const overHttp = (minutes: number): Scenario[] => [
  http('write', [...rate('HTTP: create, 64 connections', 'creates/s'), ...answers(3_000)], { perSecond: 3_000 }, [
    'sqlite',
  ]),
  http('read', [...rate('HTTP: read, 64 connections, cached', 'reads/s'), ...answers(6_000)], { perSecond: 6_000 }, [
    'sqlite',
  ]),
  http(
    'bundle',
    [time('p50', 'HTTP: transaction Bundle of 1,000 entries, p50'), time('longest', 'the same, longest')],
    { entries: 1_000 },
    [],
  ),
  {
    ...http('soak', [], { minutes }, []),
    subjects: ['annals'],
    metrics: [
      ...rate(`HTTP: mixed load, 64 connections, ${minutes} minutes`, 'requests/s'),
      time('p99', 'its answers, p99'),
      memory('first', 'its memory in the second minute, own pages'),
      memory('last', 'its memory in the last minute'),
      memory('peak', 'its peak memory'),
      { key: 'growth', title: 'its growth in the second half', unit: 'MiB/minute', isTime: true },
    ],
    isLong: true,
  },
]

export const scenarios = (loaded: number, minutes: number): ReadonlyArray<Scenario> => [
  write(1, 'Write, one caller', ['sqlite', 'emmett', 'castore']),
  write(64, 'Write, 64 callers', ['sqlite', 'sqlite-batches', 'castore']),
  write(1000, 'Write, 1,000 callers', ['sqlite', 'sqlite-batches', 'castore']),
  read(1, true, 'Read current, one caller, cached', ['castore']),
  read(1, false, 'Read current, one caller, not cached', ['sqlite', 'emmett']),
  read(64, true, 'Read current, 64 callers, cached', ['castore']),
  read(64, false, 'Read current, 64 callers, not cached', ['sqlite']),
  folding('replay', 1, 100_000, 'Replay in memory, commits of 1 event', ['sqlite', 'emmett']),
  folding('replay', 100, 200_000, 'Replay in memory, commits of 100 events', ['sqlite', 'emmett']),
  folding('recover', 1, 20_000, 'Recover, commits of 1 event', []),
  {
    ...folding('recover', 100, 1_000_000, 'Recover 1,000,000, commits of 100 events', []),
    metrics: [...rate('Recover 1,000,000, commits of 100 events', 'events/s'), ownMemory],
  },
  {
    name: 'transact',
    program: 'transact.mjs',
    args: { entries: 25_000 },
    subjects: ['annals', 'floor'],
    metrics: [
      time('transact', 'One transaction of 25,000 resources'),
      time('revert', 'its revert: 25,000 deletions'),
      time('again', 'the revert of that: 25,000 bodies come back'),
      ownMemory,
    ],
  },
  {
    name: 'bundle',
    program: 'bundle.mjs',
    args: { entries: 25_000, bundles: 20, perBundle: 500 },
    subjects: ['annals', 'floor'],
    metrics: [
      time('whole', 'One transaction Bundle of 25,000 entries, with links between them'),
      ownMemory,
      {
        key: 'rate',
        title: 'Transaction Bundles of 500 entries, with links and conditional references',
        unit: 'entries/s',
      },
    ],
  },
  {
    name: 'objects',
    program: 'objects.mjs',
    args: { events: 20_000, perCommit: 100 },
    subjects: ['annals', 'floor'],
    metrics: [
      { key: 'rate', title: 'Objects projection, four files in two new folders an event', unit: 'events/s' },
      ownMemory,
    ],
  },
  {
    name: 'lag',
    program: 'lag.mjs',
    args: { perSecond: 2_000, seconds: 10 },
    subjects: ['annals'],
    metrics: [
      { key: 'rate', title: 'Live projection in another process: writes meanwhile', unit: 'writes/s' },
      time('p50', 'from an event’s instant until it is handled, p50'),
      time('p99', 'the same, p99'),
      time('max', 'the same, longest'),
    ],
  },
  {
    name: 'subscribe',
    program: 'subscribe.mjs',
    args: { events: 1_000_000, perCommit: 100 },
    subjects: ['annals', 'floor'],
    metrics: [
      ...rate('Subscribe, 1,000,000 events behind, commits of 100', 'events/s'),
      memory('start', 'its memory at the start'),
      memory('peak', 'its peak memory'),
    ],
  },
  {
    name: 'history',
    program: 'history.mjs',
    args: { events: 1_000_000, perCommit: 50 },
    subjects: ['annals', 'floor', 'sqlite'],
    metrics: [
      time('typeFirst', 'Type history of 1,000,000, page 1'),
      time('typeFar', 'Type history of 1,000,000, page 1,000'),
      time('systemFirst', 'System history of 1,000,000, page 1'),
      time('systemFar', 'System history of 1,000,000, page 1,000'),
    ],
  },
  {
    name: 'load',
    program: 'load.mjs',
    args: { resources: loaded },
    subjects: ['annals', 'floor', 'sqlite'],
    metrics: [
      { key: 'rate', title: `Load ${loaded.toLocaleString('en')} from NDJSON`, unit: 'resources/s' },
      ownMemory,
      memory('mapped', 'its peak memory, mapped files (LMDB, programs)'),
      memory('whole', 'its peak memory, both'),
    ],
  },
  exporting('export', 100_000),
  { ...exporting('export-million', 1_000_000), isLong: true },
  {
    name: 'submit',
    program: 'submit.mjs',
    args: { resources: 100_000 },
    subjects: ['annals', 'floor'],
    metrics: [...rate('Submit 100,000 from NDJSON, results kept', 'resources/s'), processorTime, ownMemory],
  },
  ...overHttp(minutes),
]
