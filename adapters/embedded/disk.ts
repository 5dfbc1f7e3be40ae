/**
 * The calls that change the disk, apart, so that a test can let any of them fail.
 *
 * The cheap ones are synchronous: a hop to the thread pool and back costs more than they do. `fsync`, which waits for
 * the device, and large writes are asynchronous, so that the process prepares the next commit meanwhile.
 */
import fs from 'node:fs'

export interface Disk {
  open(path: string, flags: string): number
  close(fd: number): void
  /** Writes all of it, or throws. */
  write(fd: number, bytes: Uint8Array): Promise<void> | void
  fsync(fd: number): Promise<void>
  link(from: string, to: string): void
  rename(from: string, to: string): void
  unlink(path: string): void
  mkdir(path: string): void
}

/** Up to this size a write goes to the page cache faster than to another thread. */
const maxSyncWriteBytes = 256 * 1024

export const nodeDisk: Disk = {
  open: (path, flags) => fs.openSync(path, flags),
  close: (fd) => fs.closeSync(fd),
  write: (fd, bytes) => {
    if (bytes.length > maxSyncWriteBytes) return writeLarge(fd, bytes)
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done)
  },
  fsync: (fd) =>
    new Promise((resolve, reject) => {
      fs.fsync(fd, (error) => (error === null ? resolve() : reject(error)))
    }),
  link: (from, to) => fs.linkSync(from, to),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  mkdir: (path) => fs.mkdirSync(path),
}

async function writeLarge(fd: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await new Promise<number>((resolve, reject) => {
      fs.write(fd, bytes, done, (error, written) => (error === null ? resolve(written) : reject(error)))
    })
  }
}
