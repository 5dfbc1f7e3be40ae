/**
 * Runs one server for as long as its own standard input stays open: when the process that started it ends, in whatever
 * way, the server ends, too, and its data is removed.
 *
 *   node supervise.mjs DATA COMMAND ARGUMENTS…
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'

/** How long a server may take to end when it is asked to, in milliseconds. */
const patienceMs = 5_000

const [data, command, ...args] = process.argv.slice(2)
const server = spawn(command, args, { cwd: data, stdio: ['ignore', 'inherit', 'inherit'] })

const end = () => {
  server.kill('SIGTERM')
  setTimeout(() => server.kill('SIGKILL'), patienceMs).unref()
}
const leave = (code) => {
  rmSync(data, { recursive: true, force: true, maxRetries: 3 })
  process.exit(code)
}

process.stdin.on('end', end).on('error', end).resume()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
// Nobody may be left to read what the server says.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
server.on('error', (error) => {
  console.error(error.message)
  leave(1)
})
server.on('exit', (code) => leave(code ?? 0))
