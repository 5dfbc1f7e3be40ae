/** `annals export`: the state of a tenant at one instant, as files. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExportJob, ExportStatus } from '../../index.js'
import { exitCodes } from '../exit.js'
import { checkResumed, type ExportFlags, listed, optionsOf, repeated } from '../export/options.js'
import type { AddCommand } from '../program.js'
import { makeProgressBar, type ProgressBar } from '../progress.js'
import { makeSession, type Session, withTenant } from '../session.js'
import { settingsOf } from '../settings.js'
import { type Column, makeTable } from '../table.js'
import { grouped, humanBytes, humanTime, plural, shellWord } from '../text.js'

const examples = `  annals export --to ./export                    everything, as NDJSON below a folder
  annals export --to s3://my-exports/monday      the same to a bucket
  annals export --type Patient,Observation --to ./export
  annals export --since 2026-11-22T10:15:30Z --to ./new   what was changed since, deletions included
  annals export --group g1 --elements id,Patient.name     what belongs to the members of a group; some elements
  annals export --type Patient --type-filter 'Patient?_lastUpdated=ge2026-01-01'
  annals export --job 01932a1b-…                 go on with one that was interrupted

It is one snapshot, whatever is written meanwhile: 'transactionTime' says of when, and is the --since of the next one. The files
are output/{Type}/part-{n}.ndjson, deleted/part-{n}.ndjson (transaction Bundles) and errors/part-{n}.ndjson beside a
manifest.json. Without --to they stay with the tenant for a day; 'annals exports' lists, prints and removes them.
Columns: file, lines, bytes. With --json: {"id","state","transactionTime","progress","parts":[{"name","count","bytes",…}],…}.
Exit code 1 if a resource could not be exported, because it is damaged: errors/ says which.`

const columns: ReadonlyArray<Column> = [
  { title: 'file', paint: (colors, cell) => (cell.startsWith('errors/') ? colors.red(cell) : colors.bold(cell)) },
  { title: 'lines', right: true },
  { title: 'bytes', right: true },
]

export const addExport: AddCommand = (make, surroundings) => {
  make('export', 'Write the state of a tenant at one instant as NDJSON files', examples)
    .option('--to <place>', 'a folder, or s3://bucket/prefix, that is empty (default: with the tenant)')
    .option('--type <types>', 'only these types, with commas', listed)
    .option('--since <instant>', 'what was changed at or after it, and the deletions since')
    .option('--until <instant>', 'the state as it was then (default: now)')
    .option('--no-deleted', 'with --since: no deletions')
    .option('--patients', 'what belongs to patients, by the Patient compartments')
    .option('--patient <ids>', 'what belongs to these patients, with commas', listed)
    .option('--group <id>', 'what belongs to the members of a Group')
    .option('--elements <names>', 'only these elements, name or Type.name, with commas', listed)
    .option(
      '--type-filter <query>',
      'Type?query with _id, identifier, url, _lastUpdated; several: any of them',
      repeated,
    )
    .option('--job <id>', 'go on with an export that was interrupted or has failed')
    .option('--actor <name>', 'who asks for it, for the record')
    .action(async (flags: ExportFlags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const resumed = checkResumed(flags)
      const started = performance.now()
      const status = await withTenant(session, { create: false }, async (tenant) => {
        const job = await (resumed === undefined ? tenant.export(optionsOf(flags)) : tenant.exports.resume(resumed))
        return followed(session, job)
      })
      if (status === undefined) return
      await show(session, status, performance.now() - started)
      if (status.state !== 'complete' || status.parts.some(({ kind }) => kind === 'error'))
        surroundings.finish(exitCodes.failed)
    })
}

/** How often the progress is looked at, in milliseconds. */
const lookMs = 500

/** `undefined`: it was stopped, and can be gone on with. */
async function followed(session: Session, job: ExportJob): Promise<ExportStatus | undefined> {
  const { signal } = session
  const bar = makeProgressBar(session)
  const over = new AbortController()
  const stop = AbortSignal.any([signal, over.signal])
  const ended = job.done().finally(() => over.abort())
  // Whatever else goes wrong first is told.
  ended.catch(() => undefined)
  const started = performance.now()
  try {
    for (let first: number | undefined; !stop.aborted; ) {
      const { progress } = await job.status()
      first ??= progress.resources
      showProgress(bar, progress, (progress.resources - first) / ((performance.now() - started) / 1000))
      await sleep(lookMs, undefined, { signal: stop }).catch(() => undefined)
    }
    if (!signal.aborted) return await ended
    session.note(`stopped; 'annals export --job ${shellWord(job.id)}' at the same store and tenant goes on from here`)
    return undefined
  } finally {
    bar.stop()
  }
}

function showProgress(bar: ProgressBar, { commits, total, resources, bytes }: ExportStatus['progress'], rate: number) {
  const where = total === undefined ? grouped(commits) : `${grouped(commits)} of ${grouped(total)}`
  const what = `${plural(resources, 'resource')}, ${humanBytes(bytes)}, ${grouped(rate)}/s`
  bar.update(commits, total, `commit ${where}: ${what}`)
}

async function show({ out, json, colors, note }: Session, status: ExportStatus, ms: number): Promise<void> {
  if (json) return out.line(JSON.stringify(status))
  const { id, transactionTime, progress, parts, to, expiresAt, state } = status
  const table = makeTable(out, colors, columns)
  for (const { name, count, bytes } of parts)
    await table.row([
      name,
      out.isTerminal ? grouped(count) : String(count),
      out.isTerminal ? humanBytes(bytes) : String(bytes),
    ])
  await table.flush()
  const { resources, bytes } = progress
  const rate = `${humanTime(ms)} (${grouped(resources / (ms / 1000))}/s)`
  note(
    `${state === 'complete' ? 'exported' : state}: ${plural(resources, 'resource')}, ${humanBytes(bytes)} in ${rate}`,
  )
  note(`as of ${transactionTime}, ${to === undefined ? `with the tenant as '${id}' until ${expiresAt}` : `at ${to}`}`)
}
