/**
 * Names for files that belong to one process while it lives: `{pid namespace}.{pid}.{random}`.
 *
 * The namespace keeps containers that share a folder apart: a pid says nothing about a process of another container.
 */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'

const pidNamespace = (() => {
  try {
    return fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
  } catch {
    return 'host'
  }
})()

export const processName = (): string => `${pidNamespace}.${process.pid}.${randomBytes(6).toString('hex')}`

/** Whether the process that made this name has certainly ended. */
export function isOfDeadProcess(name: string): boolean {
  const [namespace, pid] = name.split('.')
  if (namespace !== pidNamespace || !/^\d+$/.test(pid ?? '')) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
