/** `annals doctor`: whether a place keeps the promises that a store needs of it. */
import { exitCodes } from '../exit.js'
import type { AddCommand } from '../program.js'
import { makeSession, withStore } from '../session.js'
import { settingsOf } from '../settings.js'
import { safe } from '../text.js'

const examples = `  annals doctor                                  the default store
  annals doctor --store file:/mnt/new --create   a place before its first use

Races conditional creates and compare-and-sets for their one winner, reads and lists what was just written, holds the
clock and the head of each tenant against its log, and times a durable create. Its probes are removed again.
Exit code 1 if a check failed. With --json: {"ok","findings":[{"check","ok","detail","advice"}]}.`

export const addDoctor: AddCommand = (make, surroundings) => {
  make('doctor', 'Check that the storage keeps what a store relies on', examples)
    .option('--create', 'create the store where there is none')
    .action(async (flags: { create?: boolean; tenant?: string }) => {
      const settings = settingsOf(surroundings.io, flags)
      const session = makeSession(surroundings, settings)
      const { out, json, colors, signal } = session
      const named = flags.tenant ?? surroundings.io.env.ANNALS_TENANT
      const report = await withStore(session, { create: flags.create === true }, (store) =>
        store.doctor({ tenant: named, signal }),
      )
      if (json) await out.line(JSON.stringify(report))
      else
        for (const { check, ok, detail, advice } of report.findings) {
          const sign = ok ? colors.green('ok    ') : colors.red('failed')
          const name = out.isTerminal ? check.padEnd(26) : check
          const columns = [out.isTerminal ? sign : sign.trim(), colors.bold(name), safe(detail)]
          await out.line(columns.join(out.isTerminal ? '  ' : '\t'))
          if (advice !== undefined) await out.line(`${out.isTerminal ? '        ' : '\t\t'}${colors.yellow(advice)}`)
        }
      if (!report.ok) surroundings.finish(exitCodes.failed)
    })
}
