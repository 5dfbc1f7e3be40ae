/** A process that works on a submission until it is killed, or until there is nothing left to do: `submitter.ts {url} {submission}`. */
import { openStore } from '../../src/index.js'
import { options, submitter, tenantName } from './submissions.js'

const [url = '', submission = ''] = process.argv.slice(2)
const store = await openStore(url, { create: false, ...options })
const { submissions } = await store.tenant(tenantName)
process.stdout.write('open\n')
await submissions.process({ submitter, submission }, { onProgress: () => process.stdout.write('group\n') })
process.stdout.write('done\n')
await store.close()
