/** `npm run servers`: the servers of the tests, for as long as this runs. */
import { Argument, Command, Option } from 'commander'
import { catalog, credentials, region, type ServerName, serverNames } from './catalog.js'
import { cacheFolder, missingFor, obtain } from './obtain.js'
import { type Endpoints, startServers } from './start.js'

/** How often this looks whether the process that started it is still there, in milliseconds. */
const lookMs = 1_000

const command = new Command('npm run servers --')
  .description(
    'Obtains pinned servers once, starts them on free ports of the loopback interface, and stops them on Ctrl-C.',
  )
  .addArgument(new Argument('[servers...]', 'which ones (default: all)').choices(serverNames))
  .addOption(new Option('--obtain', 'only obtain them'))
  .addOption(new Option('--json', 'print the URLs as one JSON document'))
  .addHelpText(
    'after',
    `\n${serverNames.map((name) => `  ${name.padEnd(9)} ${catalog[name].about}`).join('\n')}\n\nThey are kept in ${cacheFolder()}; ANNALS_SERVERS_CACHE names another folder.`,
  )
  .parse()

const options = command.opts<{ obtain?: boolean; json?: boolean }>()
const names = (command.args.length > 0 ? command.args : serverNames) as ReadonlyArray<ServerName>
const say = (text: string): void => console.error(text)

if (options.obtain === true) await obtainAll()
else await serve()

async function obtainAll(): Promise<void> {
  const missing = names.flatMap((name) => missingFor(name) ?? [])
  if (missing.length > 0) return fail(missing)
  for (const name of names) await obtain(name, say)
}

async function serve(): Promise<void> {
  const { endpoints, problems, stop } = await startServers(names, say)
  if (problems.length === 0) {
    console.log(options.json === true ? JSON.stringify({ endpoints, credentials, region }) : forPeople(endpoints))
    await untilToldToStop()
  }
  await stop()
  if (problems.length > 0) fail(problems)
}

function fail(problems: ReadonlyArray<string>): void {
  for (const problem of problems) say(problem)
  process.exitCode = 1
}

/** By a signal, or by the end of the process that started this one. */
function untilToldToStop(): Promise<void> {
  const parent = process.ppid
  return new Promise((resolve) => {
    const looking = setInterval(() => process.ppid !== parent && end(), lookMs)
    const end = (): void => {
      clearInterval(looking)
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  })
}

function forPeople(endpoints: Endpoints): string {
  const lines = Object.entries(endpoints).map(
    ([name, url]) => `${name.padEnd(9)} ${url}   ${catalog[name as ServerName].about}`,
  )
  const [s3, dynamodb] = [endpoints.minio ?? endpoints.moto, endpoints.dynamodb ?? endpoints.moto]
  if (s3 !== undefined && dynamodb !== undefined)
    lines.push(
      '',
      `export AWS_ACCESS_KEY_ID=${credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey} AWS_REGION=${region}`,
      `export ANNALS_STORE='s3://annals?table=annals&s3-endpoint=${s3}&dynamodb-endpoint=${dynamodb}'`,
      '# Create the bucket with any S3 client, then: annals bootstrap && annals doctor --create',
    )
  return [...lines, '', 'Ctrl-C stops them.'].join('\n')
}
