/** An NDJSON file of Patients of 1 KB, made once for all runs. */
import fs from 'node:fs'
import { join } from 'node:path'
import { idOf, patient } from './common.mjs'

const perWrite = 1_000

/** Answers its path. */
export function madeFile(folder, resources) {
  const path = join(folder, `resources-${resources}.ndjson`)
  if (fs.existsSync(path)) return path
  const fd = fs.openSync(path, 'w')
  for (let i = 0; i < resources; i += perWrite) {
    const some = Array.from({ length: Math.min(perWrite, resources - i) }, (_, k) => i + k)
    fs.writeSync(fd, some.map((n) => `${patient(idOf(n), n)}\n`).join(''))
  }
  fs.closeSync(fd)
  return path
}
