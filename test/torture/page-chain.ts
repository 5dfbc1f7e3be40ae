/**
 * A diary on a folder, written exactly once by any number of processes: each page is a file that is named by the place before
 * it, and only one of all can create it. So the pages are a chain, and the last one's end is the checkpoint.
 */
import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'

export interface Page {
  /** Who wrote it, and when, in milliseconds since 1970. */
  readonly by: string
  readonly at: number
  readonly events: ReadonlyArray<string>
  readonly checkpoint: string
}

const nameOf = (place: string): string => createHash('sha256').update(place).digest('hex').slice(0, 32)

/** The pages of one tenant, in order, behind those that are known already. */
export function pagesOf(folder: string, known: ReadonlyArray<Page> = []): Page[] {
  const pages = [...known]
  for (;;) {
    const path = join(folder, nameOf(pages.at(-1)?.checkpoint ?? ''))
    if (!fs.existsSync(path)) return pages
    pages.push(JSON.parse(fs.readFileSync(path, 'utf8')))
  }
}

/** Throws when there is another page behind that place. */
export function writePage(folder: string, previous: string | undefined, page: Page): void {
  const whole = join(folder, `${randomUUID()}.tmp`)
  fs.writeFileSync(whole, JSON.stringify(page))
  try {
    fs.linkSync(whole, join(folder, nameOf(previous ?? '')))
  } finally {
    fs.rmSync(whole)
  }
}
