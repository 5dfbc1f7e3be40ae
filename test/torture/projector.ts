/** A process that works on the projections of all tenants until it is killed: `projector.ts {url} {diaries} {name}`. */

import fs from 'node:fs'
import { join } from 'node:path'
import { currentIndexProjection, defineProjection, objectsProjection, openStore } from '../../src/index.js'
import { leaseMs } from './handover.js'
import { type Page, pagesOf, writePage } from './page-chain.js'
import { stopWhenTold } from './stop-signal.js'

stopWhenTold()

const [url = '', diaries = '', name = ''] = process.argv.slice(2)

const read = new Map<string, Page[]>()

/** Where a tenant's pages are, and those that there are by now. */
function diaryOf(tenant: string): { readonly folder: string; readonly pages: ReadonlyArray<Page> } {
  const folder = join(diaries, tenant)
  fs.mkdirSync(folder, { recursive: true })
  const pages = pagesOf(folder, read.get(tenant))
  read.set(tenant, pages)
  return { folder, pages }
}

const diary = defineProjection({
  name: 'diary',
  version: 1,
  checkpoint: async ({ tenant }) => diaryOf(tenant).pages.at(-1)?.checkpoint,
  apply: async ({ events, previous, checkpoint }, { tenant }) => {
    const { folder } = diaryOf(tenant)
    const told = events.map(
      ({ position, type, id, version }) => `${position.seq}-${position.index} ${type}/${id}@${version}`,
    )
    writePage(folder, previous, { by: name, at: Date.now(), events: told, checkpoint })
  },
})

const store = await openStore(url, { create: false })
store.projections.work([currentIndexProjection, objectsProjection(), diary], { leaseMs })
process.stdout.write('working\n')
