/**
 * Runs one server for as long as its own standard input stays open: when the process that started it ends, in whatever
 * way, the server ends, too.
 */
import { spawn } from 'node:child_process'

const [file, ...args] = process.argv.slice(2)
const server = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] })

const end = () => server.kill('SIGTERM')
process.stdin.on('end', end).on('error', end).resume()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end)
server.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
server.on('exit', (code) => process.exit(code ?? 0))
