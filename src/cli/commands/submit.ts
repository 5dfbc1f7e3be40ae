/** `annals submit` and `annals submissions`: files of resources in bulk, with an outcome for each line, and taking all of it back. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Command, Option } from 'commander'
import type {
  LineCounts,
  ManifestInput,
  SubmissionName,
  SubmissionOptions,
  SubmissionStatus,
  Tenant,
} from '../../index.js'
import { exitCodes } from '../exit.js'
import { CliFailure, usage } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeProgressBar } from '../progress.js'
import { makeSession, type Session, type Surroundings, withTenant } from '../session.js'
import { settingsOf, wholeNumber, withCommonFlags } from '../settings.js'
import { type Column, makeTable } from '../table.js'
import { grouped, humanTime, plural, safe } from '../text.js'

interface Flags {
  readonly submission: string
  readonly submitter: string
  readonly mode?: SubmissionOptions['mode']
  readonly updates: boolean
  readonly stopAtError?: boolean
  readonly maxErrors?: number
  readonly keep?: SubmissionOptions['keep']
  readonly header?: ReadonlyArray<string>
  readonly allowPrivate?: boolean
  readonly open?: boolean
  readonly actor?: string
  readonly reason?: string
}

const examples = `  annals submit patients.ndjson observations.ndjson.gz --submission monday
  annals submit https://example.org/export/manifest.json --submission 2026-11 --header 'Authorization: Bearer …'
  annals submit patches.ndjson --submission corrections --mode merge-patch
  annals submissions show monday                 what became of it, file by file
  annals submissions results monday              line by line
  annals submissions abort monday                take back what it did

An argument whose name ends in .ndjson or .jsonl, or these with .gz, is a file of resources, one a line; any other is a bulk data
manifest, which names its files. Each line is a success, a validation-error, a processing-error, or skipped; the others go on.
Ctrl-C stops it; the same command goes on where it was, and writes no line twice. What came of the lines stays in the store.
Exit code 1 if a line failed or a file could not be read to its end.
With --json: the submission as {"submission","state","counts","manifests",…}.`

export const addSubmit: AddCommand = (make, surroundings) => {
  make('submit <sources...>', 'Submit files or manifests of resources in bulk', examples)
    .requiredOption('--submission <name>', 'the name of the submission; the same name goes on with it')
    .option('--submitter <name>', 'who submits', 'cli')
    .addOption(
      new Option('--mode <mode>', 'what becomes of lines (default: create-or-update)').choices([
        'create-or-update',
        'merge-patch',
        'create-only',
      ]),
    )
    .option('--no-updates', 'skip the lines of resources that exist')
    .option('--stop-at-error', 'end a manifest at its first line that fails')
    .option('--max-errors <n>', 'end a manifest with more lines that fail', wholeNumber('--max-errors', 0))
    .addOption(
      new Option('--keep <how>', 'inputs and results in objects of many lines or of one (default: packed)').choices([
        'packed',
        'each-line',
      ]),
    )
    .option('--header <line...>', "a header for requests, 'Name: value'")
    .option('--allow-private', 'ask addresses of this machine and of private networks, too')
    .option('--open', 'take further manifests later')
    .option('--actor <name>', 'who does it, for the audit')
    .option('--reason <text>', 'why, for the audit')
    .action(async (sources: ReadonlyArray<string>, flags: Flags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const manifests = await manifestsOf(sources, flags)
      const opening = { create: true, sources: { allowFiles: true, allowPrivate: flags.allowPrivate === true } }
      const status = await withTenant(session, opening, (tenant) => submit(session, tenant, manifests, flags))
      if (hasFailed(status)) surroundings.finish(exitCodes.failed)
    })
  addSubmissions(make('submissions', 'List and show bulk submissions, and take them back', examples), surroundings)
}

async function manifestsOf(sources: ReadonlyArray<string>, { header = [] }: Flags): Promise<ManifestInput[]> {
  const headers = Object.fromEntries(header.map(headerOf))
  const urls = await Promise.all(sources.map(urlOf))
  const files = urls.filter(isFile).map((url) => ({ url }))
  const said = header.length === 0 ? {} : { headers }
  return [
    ...(files.length === 0 ? [] : [{ files, ...said }]),
    ...urls.filter((url) => !isFile(url)).map((url) => ({ url, ...said })),
  ]
}

const isFile = (url: string): boolean => /\.(ndjson|jsonl)(\.gz)?$/i.test(new URL(url).pathname)

async function urlOf(source: string): Promise<string> {
  if (/^https?:\/\//i.test(source) && URL.canParse(source)) return source
  try {
    await stat(source)
  } catch (error) {
    throw usage(`${source} cannot be read: ${(error as Error).message}`)
  }
  return pathToFileURL(resolve(source)).href
}

function headerOf(line: string): [string, string] {
  const [, name, value] = /^([\w-]+):\s*(.+)$/.exec(line) ?? []
  if (name !== undefined && value !== undefined) return [name.toLowerCase(), value]
  throw usage("--header is 'Name: value'")
}

async function submit(
  session: Session,
  tenant: Tenant,
  manifests: ReadonlyArray<ManifestInput>,
  flags: Flags,
): Promise<SubmissionStatus> {
  const { submissions } = tenant
  const name: SubmissionName = flags
  const begun = await submissions.begin(name, optionsOf(flags))
  // A submission that was completed goes on, with what it has.
  if (begun.state === 'in-progress') {
    for (const manifest of manifests) await submissions.add(name, manifest)
    if (flags.open !== true) await submissions.complete(name)
  } else checkKnown(begun, manifests)
  const bar = makeProgressBar(session)
  const started = performance.now()
  const total = bar.isShown ? await bytesOf(manifests) : undefined
  const done = new Map<string, { readonly counts: LineCounts; readonly bytes: number }>()
  let status: SubmissionStatus
  try {
    status = await submissions.process(name, {
      signal: session.signal,
      onProgress: ({ manifest, ...progress }) => {
        done.set(manifest, progress)
        const all = [...done.values()]
        const lines = all.reduce((sum, { counts }) => sum + counts.lines, 0)
        const failed = all.reduce((sum, { counts }) => sum + errorsOf(counts), 0)
        const rate = lines / ((performance.now() - started) / 1000)
        const bytes = all.reduce((sum, each) => sum + each.bytes, 0)
        bar.update(
          bytes,
          total,
          `${plural(lines, 'line')}, ${grouped(rate)}/s${failed > 0 ? `, ${grouped(failed)} failed` : ''}`,
        )
      },
    })
  } finally {
    bar.stop()
  }
  await showOne(session, status)
  if (session.signal.aborted) session.note('stopped; the same command goes on from here')
  else session.note(`in ${humanTime(performance.now() - started)}`)
  return status
}

/** What it does not take would seem to be submitted. */
function checkKnown({ submission, state, manifests }: SubmissionStatus, said: ReadonlyArray<ManifestInput>): void {
  if (state !== 'completed') throw usage(`the submission '${submission}' was stopped; give --submission another name`)
  const has = ({ url, files = [] }: ManifestInput): boolean =>
    manifests.some((known) =>
      url === undefined
        ? known.url === undefined &&
          known.files.map((file) => file.url).join('\n') === files.map((file) => file.url).join('\n')
        : known.url === url,
    )
  if (!said.every(has))
    throw usage(`the submission '${submission}' is completed, with other sources; give --submission another name`)
}

const optionsOf = ({ mode, updates, stopAtError, maxErrors, keep, actor, reason }: Flags): SubmissionOptions => ({
  mode,
  maxErrors,
  keep,
  actor,
  reason,
  ...(updates ? undefined : { allowUpdates: false }),
  ...(stopAtError === true ? { continueOnError: false } : undefined),
})

/** Of files of this machine that are as large as their lines; `undefined` where others are among them. */
async function bytesOf(manifests: ReadonlyArray<ManifestInput>): Promise<number | undefined> {
  let bytes = 0
  for (const { files } of manifests)
    for (const { url } of files ?? [{ url: '' }]) {
      if (!url.startsWith('file:') || url.endsWith('.gz')) return undefined
      bytes += (await stat(new URL(url))).size
    }
  return bytes
}

const errorsOf = ({ validationErrors, processingErrors }: LineCounts): number => validationErrors + processingErrors

const hasFailed = ({ counts, manifests }: SubmissionStatus): boolean =>
  errorsOf(counts) > 0 ||
  manifests.some(({ state, files }) => state === 'failed' || files.some(({ problem }) => problem !== undefined))

const columns: ReadonlyArray<Column> = [
  { title: 'submission', paint: (colors, cell) => colors.bold(cell) },
  { title: 'submitter' },
  { title: 'state' },
  { title: 'lines', right: true },
  { title: 'created', right: true },
  { title: 'updated', right: true },
  { title: 'deleted', right: true },
  { title: 'unchanged', right: true },
  { title: 'skipped', right: true },
  { title: 'failed', right: true, paint: (colors, cell) => (cell.trim() === '0' ? cell : colors.red(cell)) },
]

const countCells = (counts: LineCounts): string[] => [
  String(counts.lines),
  String(counts.created),
  String(counts.updated),
  String(counts.deleted),
  String(counts.unchanged),
  String(counts.skipped),
  String(errorsOf(counts)),
]

const cellsOf = ({ submission, submitter, state, counts }: SubmissionStatus): string[] => [
  submission,
  submitter,
  state,
  ...countCells(counts),
]

async function showAll(session: Session, all: ReadonlyArray<SubmissionStatus>): Promise<void> {
  const table = makeTable(session.out, session.colors, columns)
  for (const status of all) {
    if (session.json) await session.out.line(JSON.stringify(status))
    else await table.row(cellsOf(status))
  }
  await table.flush()
}

/** With what went wrong in its manifests and files. */
async function showOne(session: Session, status: SubmissionStatus): Promise<void> {
  await showAll(session, [status])
  if (session.json) return
  for (const { id, url = id, error, files } of status.manifests) {
    if (error !== undefined) session.note(safe(`${url}: ${error}`))
    for (const { url, problem } of files) if (problem !== undefined) session.note(safe(`${url}: ${problem}`))
  }
  const { undone } = status
  if (undone === undefined) return
  const { resources, conflicts } = undone
  session.note(`${plural(resources, 'resource')} taken back, ${plural(conflicts, 'conflict')}`)
}

interface NameFlags {
  readonly submitter: string
}

function addSubmissions(group: Command, surroundings: Surroundings): void {
  const add = (words: string, summary: string): Command =>
    withCommonFlags(
      group
        .command(words)
        .summary(summary)
        .description(summary)
        .option('--submitter <name>', 'who submitted', 'cli')
        .exitOverride(),
    )
  const using = (flags: object, use: (session: Session, tenant: Tenant) => Promise<void>): Promise<void> => {
    const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
    return withTenant(session, { create: false }, (tenant) => use(session, tenant))
  }

  withCommonFlags(
    group.command('list').summary('Every submission').description('Every submission').exitOverride(),
  ).action((flags: object) =>
    using(flags, async (session, tenant) => showAll(session, await tenant.submissions.list())),
  )
  add('show <submission>', 'What became of it').action((submission: string, flags: NameFlags) =>
    using(flags, async (session, tenant) => showOne(session, await known(tenant, { ...flags, submission }))),
  )
  add('results <submission>', 'What became of each line, as NDJSON').action((submission: string, flags: NameFlags) =>
    using(flags, async (session, tenant) => {
      const { manifests, ...name } = await known(tenant, { ...flags, submission })
      for (const { id, files } of manifests)
        for (const [file, { url }] of files.entries())
          for await (const result of tenant.submissions.results(name, id, file))
            await session.out.line(JSON.stringify({ manifest: id, file: url, ...result }))
    }),
  )
  add('abort <submission>', 'Stop it, and take back what it did').action((submission: string, flags: NameFlags) =>
    using(flags, async (session, tenant) => {
      const name = await known(tenant, { ...flags, submission })
      const begun = await tenant.submissions.abort(name)
      // Another process may be at it.
      const status =
        begun.state === 'stopping' ? await tenant.submissions.process(name, { signal: session.signal }) : begun
      await showOne(session, status)
      for await (const { type, id, version, actual } of tenant.submissions.conflicts(name))
        session.note(`${type}/${id}: left alone, it was version ${version} and is ${actual}`)
      if (status.state !== 'stopped' || (status.undone?.conflicts ?? 0) > 0) surroundings.finish(exitCodes.failed)
    }),
  )
}

async function known({ submissions }: Tenant, name: SubmissionName): Promise<SubmissionStatus> {
  const found = await submissions.status(name)
  if (found !== undefined) return found
  throw new CliFailure(
    'NotFound',
    `there is no submission '${name.submission.slice(0, 64)}'; 'annals submissions list' shows them`,
  )
}
