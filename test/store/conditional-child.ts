/** A process that creates resources on a condition, many at once. `{url} {how many}`: says the versions that it heard of. */
import { openStore } from '../../src/open.js'

const [url = '', count = ''] = process.argv.slice(2)
const store = await openStore(url)
const tenant = await store.tenant('t')
const condition = 'identifier=http://example.org/mrn|123'
const body = '{"resourceType":"Patient","identifier":[{"system":"http://example.org/mrn","value":"123"}]}'

const createIfNone = async (): Promise<string> => {
  const { results } = await tenant.transact(async (state) => {
    const [found] = await state.match('Patient', condition)
    if (found === undefined) return [{ op: 'create', type: 'Patient', body }]
    return [{ op: 'check', type: 'Patient', id: found.id, expect: 'exists' }]
  })
  const [result] = results
  return `${result?.id}@${result?.version} ${result?.changed ? 'created' : 'found'}`
}

process.stdout.write('ready\n')
// All begin at one word.
await new Promise((resolve) => process.stdin.once('data', resolve))
const told = await Promise.all(Array.from({ length: Number(count) }, createIfNone))
process.stdout.write(`${JSON.stringify(told)}\n`)
await store.close()
process.exit(0)
