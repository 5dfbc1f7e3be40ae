/** Where the tortured store is: a folder of this machine as a rule, a bucket and a table of real servers for some. */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/index.js'

export interface Place {
  /** What the writers open. */
  readonly url: string
  /** What the judge opens: the same store, without the trouble on the way to it. */
  readonly calmUrl: string
  /** Lets all pointers disappear. Nobody has the store open. */
  losePointers(): Promise<void>
  /** Removes the store, unless it is kept for those who look for the problem; answers where it is. */
  end(keep: boolean): Promise<string>
}

export async function folderPlace(): Promise<Place> {
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-torture-'))
  const folder = join(root, 'store')
  const url = `file:${folder}`
  return {
    url,
    calmUrl: url,
    losePointers: async () => fs.rmSync(join(folder, 'pointers'), { recursive: true }),
    end: async (keep) => {
      if (!keep) fs.rmSync(root, { recursive: true, force: true })
      return folder
    },
  }
}

export const tenantName = 'tortured'

/** Whether the tenant has been made. Writers that were killed in their first milliseconds may have left no store at all. */
export async function hasTenant({ calmUrl }: Place): Promise<boolean> {
  const store = await openStore(calmUrl, { create: false }).catch(() => undefined)
  if (store === undefined) return false
  try {
    for await (const name of store.tenants()) if (name === tenantName) return true
    return false
  } finally {
    await store.close()
  }
}
