/** A process that rebuilds the pointers, says when it begins, and may be killed on its way: `recoverer.ts {url}`. */
import { openStore } from '../../src/index.js'
import { tenantName } from './place.js'

const store = await openStore(process.argv[2] ?? '', { create: false })
process.stdout.write('recovering\n')
await store.recover(tenantName)
await store.close()
