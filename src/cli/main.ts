#!/usr/bin/env node
/** The `annals` program: a thin shell that gives `runCli` the process's own streams and signals. */
import process from 'node:process'
import { exitCodes } from './exit.js'
import { runCli } from './run.js'

/** The AWS SDK's advice on its own future is for those who maintain Annals, not for those who use it. */
process.removeAllListeners('warning').on('warning', (warning) => {
  if (!warning.message.startsWith('NodeVersionSupportWarning')) process.stderr.write(`${warning.stack}\n`)
})

const stop = new AbortController()
/** One Ctrl-C comes twice under npm, which passes on what the terminal has sent to everybody. In milliseconds. */
const echoMs = 500
let stopAt = Number.POSITIVE_INFINITY

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // A second one means it: what is in flight is not waited for.
    if (performance.now() - stopAt > echoMs) process.exit(exitCodes.interrupted)
    if (stop.signal.aborted) return
    stopAt = performance.now()
    stop.abort()
    if (process.stderr.isTTY) process.stderr.write('\nstopping; press Ctrl-C again to stop at once\n')
  })

const { stdin, stdout, stderr, env } = process
process.exitCode = await runCli(process.argv.slice(2), { stdin, stdout, stderr, env, signal: stop.signal })
// What is still readable on stdin must not keep the process.
stdin.destroy()
