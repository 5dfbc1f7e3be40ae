/** Starts the server that is measured, as a process of its own, with its log in a file. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** `annals serve` as it is, without any setting, or a program of `subjects/`. */
const programs = {
  annals: (folder) => [
    path('../../../dist/src/cli/main.js'),
    'serve',
    '--json',
    '--port',
    '0',
    '--store',
    `file:${join(folder, 'store')}`,
  ],
  floor: () => [path('../subjects/http-floor.mjs')],
  sqlite: (folder) => [path('../subjects/http-sqlite.mjs'), folder],
}

export async function startServer(subject, folder) {
  const log = join(folder, 'server.log')
  const stderr = fs.openSync(log, 'w')
  const child = spawn(process.execPath, programs[subject](folder), { stdio: ['ignore', 'pipe', stderr] })
  fs.closeSync(stderr)
  const url = await new Promise((resolve, reject) => {
    child.on('close', (code) => {
      const last = fs.readFileSync(log, 'utf8').trim().split('\n').at(-1)
      reject(new Error(`the server ended with ${code}: ${last}`))
    })
    child.stdout.once('data', (line) => resolve(JSON.parse(line).url))
  })
  child.stdout.resume()
  return {
    port: Number(new URL(url).port),
    pid: child.pid,
    cpu: () => cpuOf(child.pid),
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('close')
        child.once('close', resolve)
        child.kill('SIGTERM')
      }),
  }
}

/** Processor time of all threads so far, in microseconds: user and system. Linux counts it in hundredths of a second. */
function cpuOf(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
