/** `annals load`: many resources at once, from files, folders and pipes. */
import { stat } from 'node:fs/promises'
import { Option } from 'commander'
import type { AnnalsError, FhirVersion, Kind, Tenant } from '../../index.js'
import { exitCodes } from '../exit.js'
import { usage } from '../failure.js'
import type { IdentityRules } from '../load/identity.js'
import { type LoadReport, load } from '../load/load.js'
import type { Place } from '../load/resources.js'
import { sourcesOf } from '../load/sources.js'
import type { AddCommand } from '../program.js'
import { makeProgressBar } from '../progress.js'
import { makeSession, type Session, withTenant } from '../session.js'
import { fhirVersionFlag, partitionsFlag, settingsOf, shardsFlag } from '../settings.js'
import { grouped, humanTime, plural, safe } from '../text.js'

interface Flags {
  readonly strict?: boolean
  readonly kind?: Kind
  readonly fhirVersion?: FhirVersion
  readonly shards?: number
  readonly partitions?: number
  readonly type?: string
  readonly idField?: string
  readonly actor?: string
  readonly reason?: string
}

const examples = `  annals load patients.ndjson observations.ndjson.gz
  annals load ./export                           every .json, .ndjson, .jsonl and their .gz below the folder
  zcat big.ndjson.gz | annals load -             from a pipe
  annals load bundle.json --actor import --reason 'initial load'
  annals load orders.ndjson --tenant shop --kind json --type order --id-field orderNo

A file is one JSON document, or one on each line; its bytes say which. A FHIR Bundle that is a file of its own is taken
apart: each entry's resource is created or updated as it is, whatever the entry asks for. References are left as they
are, urn:uuid and conditional ones too; an entry without an id gets the UUID of its urn:uuid full URL. Any other
resource without an id gets one that is made of its content, so that loading it again does not double it.

What is there already and says the same is left alone: loading twice changes nothing. An interrupted load goes on where
it stopped when the same command is given again (not from a pipe). An unacceptable resource is named with file, line and
column, the others are kept, and the exit code is 1.
With --json: {"read","created","updated","unchanged","failed","sources","resumed","complete","seconds","perSecond"}, and
on stderr each failure as {"source","line","column","entry","tag","code","message",…}.`

export const addLoad: AddCommand = (make, surroundings) => {
  make('load <paths...>', 'Load resources from files, folders or stdin (-)', examples)
    .option('--strict', 'stop at the first unacceptable resource')
    .option('--actor <name>', 'who does it, for the audit')
    .option('--reason <text>', 'why, for the audit')
    .addOption(new Option('--kind <kind>', 'kind of a new tenant').choices(['fhir', 'json']))
    .addOption(fhirVersionFlag())
    .addOption(shardsFlag())
    .addOption(partitionsFlag())
    .option('--type <type>', 'the type of every document (tenants of kind json)')
    .option('--id-field <name>', 'the member that holds the id (tenants of kind json; default: made of the content)')
    .action(async (paths: ReadonlyArray<string>, flags: Flags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      if (paths.filter((path) => path === '-').length > 1) throw usage('standard input (-) can be read once only')
      for (const path of paths) if (path !== '-') await checkPath(path)
      if (flags.kind === 'json' && flags.type === undefined) throw usage(typeNeeded)
      const { kind, fhirVersion, shards, partitions } = flags
      const report = await withTenant(
        session,
        { create: true, kind, fhirVersion, shards, partitions, limits },
        (tenant) => loadInto(session, tenant, paths, flags),
      )
      if (report.counts.failed > 0 || !report.isComplete) surroundings.finish(exitCodes.failed)
    })
}

/** A load reads no body twice. */
const limits = { cacheBytes: 0 }

const typeNeeded = 'documents of a tenant of kind json do not say their type: give it with --type'

/** Before a store is made for it. */
async function checkPath(path: string): Promise<void> {
  try {
    await stat(path)
  } catch (error) {
    throw usage(`${path} cannot be read: ${(error as Error).message}`)
  }
}

function rulesFor({ kind }: Tenant, { type, idField }: Flags): IdentityRules {
  if (kind === 'json' && type === undefined) throw usage(typeNeeded)
  if (kind === 'fhir' && (type ?? idField) !== undefined)
    throw usage('--type and --id-field are for tenants of kind json; FHIR resources say both themselves')
  return { kind, type, idField }
}

async function loadInto(
  session: Session,
  tenant: Tenant,
  paths: ReadonlyArray<string>,
  flags: Flags,
): Promise<LoadReport> {
  const { io, signal } = session
  const bar = makeProgressBar(session)
  const totalBytes = bar.isShown ? await bytesOf(paths) : undefined
  const started = performance.now()
  const failures = makeFailureReport(session, bar.clear)
  let report: LoadReport
  try {
    report = await load(tenant, {
      stdin: io.stdin,
      signal,
      paths,
      rules: rulesFor(tenant, flags),
      write: { actor: flags.actor, reason: flags.reason },
      strict: flags.strict === true,
      onBad: failures.add,
      onNote: session.note,
      onProgress: (counts, bytes, resumed) => {
        const rate = (counts.read - resumed) / ((performance.now() - started) / 1000)
        const failed = counts.failed > 0 ? `, ${grouped(counts.failed)} failed` : ''
        bar.update(bytes, totalBytes, `${grouped(counts.read)} resources, ${grouped(rate)}/s${failed}`)
      },
    })
  } finally {
    bar.stop()
  }
  failures.end()
  await showReport(session, report, performance.now() - started)
  if (signal.aborted) session.note('stopped; the same command goes on from here (but for what came from a pipe)')
  return report
}

/** All bytes there are to read; unknown where a pipe is among the sources. */
async function bytesOf(paths: ReadonlyArray<string>): Promise<number | undefined> {
  let bytes = 0
  for await (const { file } of sourcesOf(paths)) {
    if (file === undefined) return undefined
    bytes += file.size
  }
  return bytes
}

/** Failures that are shown one by one. */
const maxShown = 1_000

function makeFailureReport({ io, json }: Session, clear: () => void) {
  let failures = 0
  return {
    add(place: Place, error: AnnalsError): void {
      if (++failures > maxShown) return
      clear()
      io.stderr.write(`${json ? JSON.stringify(failureJson(place, error)) : failureLine(place, error)}\n`)
    },
    end(): void {
      if (failures > maxShown && !json) io.stderr.write(`… and ${plural(failures - maxShown, 'more failure')}\n`)
    },
  }
}

/** Where in the source: of a body's fault the very place, else where the resource begins. */
function whereIn(place: Place, error: AnnalsError): { line: number; column?: number } {
  const { line, locate } = place
  if (error._tag !== 'InvalidBody') return { line }
  return locate?.(error.data.offset) ?? { line, column: error.data.column }
}

const failureJson = (place: Place, error: AnnalsError): object => ({
  source: place.source,
  entry: place.entry,
  ...error.toJSON(),
  ...whereIn(place, error),
})

function failureLine(place: Place, error: AnnalsError): string {
  const { line, column } = whereIn(place, error)
  const entry = place.entry === undefined ? '' : ` entry[${place.entry}]`
  const { data } = error
  const problem = error._tag === 'InvalidBody' ? bodyProblem(data as { problem: string; path: string }) : error.message
  return safe(`${place.source}:${line}${column === undefined ? '' : `:${column}`}:${entry} ${problem}`)
}

const bodyProblem = ({ problem, path }: { problem: string; path: string }): string =>
  path === '' ? problem : `${problem} (${path})`

async function showReport({ out, json, colors }: Session, report: LoadReport, ms: number): Promise<void> {
  const { counts, sources, resumed, isComplete } = report
  const perSecond = Math.round((counts.read - resumed) / (ms / 1000))
  if (json) {
    const rest = { sources, resumed, complete: isComplete, seconds: Math.round(ms) / 1000, perSecond }
    return out.line(JSON.stringify({ ...counts, ...rest }))
  }
  const { read, created, updated, unchanged, failed } = counts
  const number = (n: number, what: string, paint: (text: string) => string): string =>
    n === 0 ? `0 ${what}` : paint(`${grouped(n)} ${what}`)
  const parts = [
    number(created, 'created', colors.green),
    number(updated, 'updated', colors.yellow),
    `${grouped(unchanged)} unchanged`,
    number(failed, 'failed', colors.red),
  ]
  await out.line(`${plural(read, 'resource')} in ${humanTime(ms)} (${grouped(perSecond)}/s): ${parts.join(', ')}`)
}
