/** `annals bootstrap`: what a store on AWS needs beside its bucket. */
import { bootstrapStore } from '../../index.js'
import type { AddCommand } from '../program.js'
import { makeSession } from '../session.js'
import { settingsOf } from '../settings.js'

const examples = `  annals bootstrap --store 's3://records?table=annals&region=eu-central-1'

Creates the DynamoDB table if there is none, waits until it serves, and switches on its stream, the time to live of its
items, point-in-time recovery and deletion protection. Safe to run again, and by several processes at once. The bucket is
never created, and the keys of a table are never changed. 'unsupported' is what the server does not know of.
With --json: {"table","steps":[{"step","outcome"}]}.`

export const addBootstrap: AddCommand = (make, surroundings) => {
  make('bootstrap', 'Create the table of a store on AWS, or bring it into shape', examples).action(
    async (flags: object) => {
      const { out, json, colors, store } = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const report = await bootstrapStore(store)
      if (json) await out.line(JSON.stringify(report))
      else
        for (const { step, outcome } of report.steps) {
          const said = outcome === 'done' ? colors.green(outcome) : outcome
          await out.line(out.isTerminal ? `${step.padEnd(24)}${said}` : `${step}\t${outcome}`)
        }
    },
  )
}
