/** `annals sagas`: what was begun over several tenants, what became of it, and how it is brought to its end. */
import type { Command } from 'commander'
import type { SagaReport, SagaState, Store } from '../../index.js'
import { exitCodes } from '../exit.js'
import { usage } from '../failure.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Surroundings, withStore } from '../session.js'
import { settingsOf, withCommonFlags } from '../settings.js'
import { type Column, makeTable } from '../table.js'

const states: ReadonlyArray<SagaState> = ['running', 'completed', 'compensating', 'compensated', 'stuck']

const examples = `  annals sagas list                              every saga of the store
  annals sagas list --state stuck                those that a person has to look at
  annals sagas show 7f3e                         what became of each step
  annals sagas resume                            bring every saga to its end that has none
  annals sagas resume 7f3e --cancel              take back what it has applied

A saga that is 'running' or 'compensating' is being driven by a process, or its process has died: 'resume' waits for the former.
With --json: a line for each saga, {"id","state","steps":[{"tenant","outcome","transaction",…}]}.
Exit code 1 if one of the sagas that are shown or resumed is stuck, or not at its end.`

const listColumns: ReadonlyArray<Column> = [
  { title: 'saga', paint: (colors, cell) => colors.bold(cell) },
  { title: 'state', paint: (colors, cell) => (cell === 'stuck' ? colors.red(cell) : colors.green(cell)) },
  { title: 'steps', right: true },
]

const stepColumns: ReadonlyArray<Column> = [
  { title: 'saga', paint: (colors, cell) => colors.bold(cell) },
  { title: 'state' },
  { title: 'step', right: true },
  { title: 'tenant' },
  { title: 'outcome' },
  { title: 'transaction' },
  { title: 'by' },
  { title: 'why' },
]

export const addSagas: AddCommand = (make, surroundings) => {
  const group = make('sagas', 'List, show and resume sagas', examples)
  const add = (words: string, summary: string): Command =>
    withCommonFlags(group.command(words).summary(summary).description(summary).exitOverride())

  add('list', 'Every saga and its state')
    .option('--state <state>', `only those: ${states.join(', ')}`)
    .action((flags: { readonly state?: SagaState }) => {
      const { state } = flags
      if (state !== undefined && !states.includes(state)) throw usage(`--state is one of ${states.join(', ')}`)
      return show(surroundings, flags, false, (store) => store.sagas.list({ state }))
    })
  add('show <id>', 'What became of each step').action((id: string, flags: object) =>
    show(surroundings, flags, true, async (store) => {
      const report = await store.sagas.report(id)
      if (report === undefined) throw usage(`there is no saga '${id.slice(0, 64)}'; 'annals sagas list' shows them`)
      return [report]
    }),
  )
  add('resume [id]', 'Bring a saga to its end, or all of them')
    .option('--cancel', 'apply nothing more, and take back what was applied')
    .action((id: string | undefined, flags: { readonly cancel?: boolean }) => {
      // Ctrl-C ends the command and not the saga.
      const options = flags.cancel === true ? { signal: AbortSignal.abort() } : {}
      if (flags.cancel === true && id === undefined) throw usage('--cancel needs the id of a saga')
      return show(surroundings, flags, true, async (store) =>
        id === undefined ? store.sagas.resumeAll() : [await store.sagas.resume(id, options)],
      )
    })
}

async function show(
  surroundings: Surroundings,
  flags: object,
  withSteps: boolean,
  reports: (store: Store) => Promise<ReadonlyArray<SagaReport>>,
): Promise<void> {
  const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
  const { out, json, colors } = session
  const table = makeTable(out, colors, withSteps ? stepColumns : listColumns)
  await withStore(session, { create: false }, async (store) => {
    for (const report of await reports(store)) {
      const { id, state, steps } = report
      if (json) await out.line(JSON.stringify(report))
      else if (!withSteps) await table.row([id, state, String(steps.length)])
      else for (const cells of stepCells(report)) await table.row(cells)
      if (withSteps && state !== 'completed' && state !== 'compensated') surroundings.finish(exitCodes.failed)
    }
    await table.flush()
  })
}

const placeOf = ({ tenant, partition }: SagaReport['steps'][number]): string =>
  partition === undefined ? tenant : `${tenant}/${partition}`

const stepCells = ({ id, state, steps }: SagaReport): string[][] =>
  steps.map((step, i) => {
    const said = step as { readonly transaction?: string; readonly by?: string; readonly why?: string }
    return [id, state, String(i), placeOf(step), step.outcome, said.transaction ?? '', said.by ?? '', said.why ?? '']
  })
