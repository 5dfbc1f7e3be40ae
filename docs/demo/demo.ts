/** The main job in a minute: `npm run demo` runs the command line for real, on a folder of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import colors from 'picocolors'

const cli = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const sample = fileURLToPath(new URL('sample.ndjson', import.meta.url))
const folder = join(mkdtempSync(join(tmpdir(), 'annals-demo-')), 'annals-data')
const env = { ...process.env, ANNALS_STORE: `file:${folder}` }

/** Runs a command as the reader would type it, and stops the demo when it does not end as expected. */
function annals(line: string, options: { stdin?: string; exit?: number } = {}): void {
  console.log(
    `\n${colors.dim('$')} ${colors.bold(`annals ${line}`)}${options.stdin === undefined ? '' : colors.dim(' <<< …')}`,
  )
  const args = line.split(' ').map((word) => (word === 'sample.ndjson' ? sample : word))
  const stdin = options.stdin === undefined ? 'ignore' : 'pipe'
  const done = spawnSync(process.execPath, [cli, ...args], {
    env,
    input: options.stdin,
    stdio: [stdin, 'inherit', 'inherit'],
  })
  // A body goes into a pipe as it is stored, without a newline.
  if (line.startsWith('get ') && !process.stdout.isTTY) console.log()
  if (done.status === (options.exit ?? 0)) return
  console.error(`the demo expected exit code ${options.exit ?? 0}, this was ${done.status}`)
  process.exit(1)
}

const say = (text: string): void => console.log(`\n${colors.cyan(text)}`)

say('1. Load a few FHIR resources. Each becomes an immutable version event in a log.')
annals('load sample.ndjson')
annals('load sample.ndjson')
say('   The second load found nothing to change, so it wrote nothing.')

say('2. Change one of them, and delete another.')
const weight = {
  resourceType: 'Observation',
  id: 'ada-weight',
  status: 'amended',
  code: { text: 'Body weight' },
  subject: { reference: 'Patient/ada' },
}
const body = JSON.stringify({ ...weight, valueQuantity: { unit: 'kg' } }).replace('"unit"', '"value":62.10,"unit"')
annals('put Observation/ada-weight --actor dr-menabrea --reason re-weighed', { stdin: body })
annals('delete Observation/alan-pulse --reason entered-in-error')

say('3. Who changed what, when and why? Nothing is ever overwritten; 62.10 keeps its zero.')
annals('history --count 5')
annals('diff Observation/ada-weight 1 2')
annals('get Observation/ada-weight --version 1')

say('4. Disaster: the whole index is gone.')
console.log(`\n${colors.dim('$')} ${colors.bold(`rm -r ${join(folder, 'pointers')}`)}`)
rmSync(join(folder, 'pointers'), { recursive: true })
annals('get Patient/ada', { exit: 3 })

say('5. The log is the truth: rebuild everything from it, and prove it.')
annals('recover')
annals('verify')
annals('get Patient/ada')

say('Done. What happened: six resources were loaded, one changed and one deleted, the index was lost and rebuilt from')
console.log(colors.cyan('the log, and every hash and pointer was checked. Try next, on the same store:'))
console.log(`
  export ANNALS_STORE=file:${folder}
  npx annals history Patient/ada
  npx annals log
  npx annals stats
  npx annals --help
`)
