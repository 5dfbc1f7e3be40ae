/**
 * The raw floor: what the disk takes for files made the same way by hand. Each is written under a temporary name, synced,
 * linked to its own name, and its folder synced: what it takes until a new file is durable whole, or is not there at all.
 */
import fs from 'node:fs'
import { join } from 'node:path'

export function fileMaker(folder) {
  fs.mkdirSync(folder, { recursive: true })
  const directory = fs.openSync(folder, 'r')
  const temporary = join(folder, 'temporary')
  let count = 0
  return {
    make(bytes) {
      const fd = fs.openSync(temporary, 'wx')
      fs.writeSync(fd, bytes)
      fs.fsyncSync(fd)
      fs.closeSync(fd)
      fs.linkSync(temporary, join(folder, String(++count).padStart(20, '0')))
      fs.unlinkSync(temporary)
      fs.fsyncSync(directory)
    },
    close: () => fs.closeSync(directory),
  }
}

/** Reads of so many bytes at random places of one open file. */
export function filePicker(path, { count, bytes }) {
  const chunk = Buffer.alloc(bytes, 'x')
  const out = fs.openSync(path, 'w')
  for (let i = 0; i < count; i++) fs.writeSync(out, chunk)
  fs.closeSync(out)
  const fd = fs.openSync(path, 'r')
  return {
    read(i) {
      const buffer = Buffer.allocUnsafe(bytes)
      return fs.readSync(fd, buffer, 0, bytes, i * bytes)
    },
    close: () => fs.closeSync(fd),
  }
}
