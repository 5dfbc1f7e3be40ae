/** `annals exports`: those of a tenant, their files, and their end. */
import type { Command } from 'commander'
import type { ExportState, ExportStatus, Tenant } from '../../index.js'
import { usage } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Session, type Surroundings, withStore, withTenant } from '../session.js'
import { settingsOf, withCommonFlags } from '../settings.js'
import { type Column, makeTable } from '../table.js'
import { plural } from '../text.js'

const states: ReadonlyArray<ExportState> = ['accepted', 'in-progress', 'complete', 'error', 'cancelled']

const examples = `  annals exports list                            every export of the tenant that is kept
  annals exports list --state in-progress        those at work, or to be gone on with
  annals exports show 01932a1b-…                 its files
  annals exports get 01932a1b-… output/Patient/part-1.ndjson > patients.ndjson
  annals exports cancel 01932a1b-…               end it, and remove its files
  annals exports clean --all                     remove what has expired, of every tenant

'annals export --job' goes on with one that is 'in-progress' and at which nobody works, or that ended with an 'error'.
With --json: a line for each export, as of 'annals export'.`

const listColumns: ReadonlyArray<Column> = [
  { title: 'export', paint: (colors, cell) => colors.bold(cell) },
  {
    title: 'state',
    paint: (colors, cell) => (/error|cancelled/.test(cell) ? colors.red(cell) : colors.green(cell)),
  },
  { title: 'as of' },
  { title: 'resources', right: true },
  { title: 'files', right: true },
  { title: 'until' },
  { title: 'where or why' },
]

const fileColumns: ReadonlyArray<Column> = [
  { title: 'file', paint: (colors, cell) => colors.bold(cell) },
  { title: 'lines', right: true },
  { title: 'bytes', right: true },
]

export const addExports: AddCommand = (make, surroundings) => {
  const group = make('exports', 'List, show, print, cancel and remove exports', examples)
  const add = (words: string, summary: string): Command =>
    withCommonFlags(group.command(words).summary(summary).description(summary).exitOverride())

  add('list', 'Every export of the tenant that is kept')
    .option('--state <state>', `only those: ${states.join(', ')}`)
    .action((flags: { readonly state?: ExportState }) => {
      const { state } = flags
      if (state !== undefined && !states.includes(state)) throw usage(`--state is one of ${states.join(', ')}`)
      return atTenant(surroundings, flags, async (session, tenant) =>
        list(session, await tenant.exports.list(state === undefined ? {} : { state })),
      )
    })
  add('show <id>', 'The files of an export').action((id: string, flags: object) =>
    atTenant(surroundings, flags, async (session, tenant) => {
      const status = await known(tenant, id)
      const { out, colors, json } = session
      if (json) return out.line(JSON.stringify(status))
      const table = makeTable(out, colors, fileColumns)
      for (const { name, count, bytes } of status.parts) await table.row([name, String(count), String(bytes)])
      await table.flush()
    }),
  )
  add('get <id> <file>', 'Print a file of an export').action((id: string, file: string, flags: object) =>
    atTenant(surroundings, flags, async ({ out }, tenant) => {
      const part = (await known(tenant, id)).parts.find(({ name }) => name === file)
      if (part === undefined)
        throw usage(`the export has no file '${file.slice(0, 200)}'; 'annals exports show' lists them`)
      for (let start = 0; start < part.bytes; start += pieceBytes)
        await out.write(await tenant.exports.read(id, file, { start, end: start + pieceBytes }))
    }),
  )
  add('cancel <id>', 'End an export, and remove its files').action((id: string, flags: object) =>
    atTenant(surroundings, flags, async (session, tenant) => {
      await known(tenant, id)
      await list(session, [await tenant.exports.cancel(id)])
    }),
  )
  add('clean', 'Remove the exports that have expired, and those that nobody has gone on with for as long')
    .option('--all', 'of every tenant of the store')
    .action(async (flags: { readonly all?: boolean }) => {
      const { io } = surroundings
      const session = makeSession(surroundings, settingsOf(io, flags))
      const removed =
        flags.all === true
          ? await withStore(session, { create: false }, (store) => store.exports.cleanup())
          : await withTenant(session, { create: false }, (tenant) => tenant.exports.cleanup())
      const { out, json } = session
      await out.line(json ? JSON.stringify({ removed }) : `${plural(removed, 'export')} removed`)
    })
}

/** Of a file that is printed, so much at a time. */
const pieceBytes = 4 * 1024 * 1024

function atTenant(
  surroundings: Surroundings,
  flags: object,
  use: (session: Session, tenant: Tenant) => Promise<void>,
): Promise<void> {
  const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
  return withTenant(session, { create: false }, (tenant) => use(session, tenant))
}

async function known(tenant: Tenant, id: string): Promise<ExportStatus> {
  const status = await tenant.exports.status(id)
  if (status !== undefined) return status
  throw usage(`this tenant has no export '${id.slice(0, 64)}'; 'annals exports list' shows them`)
}

async function list({ out, json, colors }: Session, exports: ReadonlyArray<ExportStatus>): Promise<void> {
  const table = makeTable(out, colors, listColumns)
  for (const each of exports) {
    const { id, state, transactionTime, progress, parts, expiresAt = '', to, error } = each
    const cells = [id, state, transactionTime, String(progress.resources), String(parts.length), expiresAt]
    if (json) await out.line(JSON.stringify(each))
    else await table.row([...cells, error?.message ?? to ?? ''])
  }
  await table.flush()
}
