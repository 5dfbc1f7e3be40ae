/** Real data on a folder of this machine. */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { describeRealData } from './suite.js'

describeRealData('real data on a folder', async () => {
  const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-data-'))
  const folder = join(root, 'store')
  return {
    url: `file:${folder}`,
    losePointers: async () => fs.rmSync(join(folder, 'pointers'), { recursive: true }),
    end: async () => fs.rmSync(root, { recursive: true, force: true }),
  }
})
