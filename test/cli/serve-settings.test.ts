/** The settings of `annals serve`: from flags, variables and a file, in this order; and what is refused. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import type { Io } from '../../src/cli/io.js'
import {
  flagOf,
  type ServeSettings,
  type SettingName,
  settingNames,
  settings,
  variableOf,
} from '../../src/cli/serve/settings.js'
import { configured } from '../../src/cli/serve/sources.js'
import { atStore, file, lines, newStore, run } from './harness.js'

/** Three values of each setting that differ, as JSON. */
const examples: { readonly [K in SettingName]: readonly [ServeSettings[K], ServeSettings[K], ServeSettings[K]] } = {
  store: ['file:a', 'memory:', 's3://bucket?table=t'],
  tenant: ['a', 'b', 'c'],
  port: [0, 8_081, 65_535],
  host: ['::1', 'localhost', '127.0.0.2'],
  allowPrivateSources: [true, false, true],
  signedUrlMs: [1_000, 60_000, 604_800_000],
  insecure: [true, false, true],
  baseUrl: ['https://a.example', 'http://b.example/x', 'https://c.example'],
  fhirVersion: ['4.0', '5.0', '4.3'],
  manyTenants: [true, false, true],
  tenantHeader: ['x-tenant', 'x-clinic', 'x-site'],
  tenantClaim: ['tenant', 'clinic', 'https://example.org/tenant'],
  issuer: ['https://a.example', 'https://b.example', 'c'],
  audience: ['https://fhir.a.example', 'b', 'c'],
  jwks: ['https://a.example/jwks.json', 'keys.json', '/etc/annals/keys.json'],
  algorithms: [['RS256'], ['ES256', 'EdDSA'], ['PS512']],
  smartConfiguration: ['smart.json', 'b.json', 'c.json'],
  trustedProxies: [['10.0.0.0/8', '::1'], ['loopback'], ['127.0.0.1']],
  corsOrigins: [['https://a.example', 'http://localhost:3000'], ['*'], ['https://b.example']],
  maxRequestsPerMinute: [1, 2, 3],
  maxBodyBytes: [1, 2, 3],
  maxBundleBytes: [1, 2, 3],
  maxBundleEntries: [1, 2, 3],
  maxHeaderBytes: [1, 2, 3],
  maxBodyBytesInFlight: [1, 2, 3],
  maxRequestsInFlight: [1, 2, 3],
  maxConnections: [1, 2, 3],
  maxJobs: [1, 2, 3],
  maxLogReaders: [1, 2, 3],
  maxEventLoopDelayMs: [1, 2, 3],
  headersTimeoutMs: [1, 2, 3],
  requestTimeoutMs: [1, 2, 3],
  minBodyBytesPerSecond: [1, 2, 3],
  keepAliveTimeoutMs: [1, 2, 3],
  connectionTimeoutMs: [1, 2, 3],
  jobRetentionMs: [1, 2, 3],
  heartbeatMs: [1, 2, 3],
  readyTimeoutMs: [1, 2, 3],
  drainMs: [1, 2, 3],
  closeTimeoutMs: [1, 2, 3],
  metricsPort: [1, 2, 3],
  metricsHost: ['a', 'b', 'c'],
  logLevel: ['debug', 'warn', 'silent'],
}

const ioOf = (env: Record<string, string>): Io => ({
  stdin: Readable.from([]),
  stdout: new Writable(),
  stderr: new Writable(),
  env,
  signal: new AbortController().signal,
})

const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

/** What commander makes of the flag: what is switched on has no value. */
const flagsOf = (name: SettingName, value: unknown) => ({ [name]: value === true ? true : textOf(value) })

describe('a setting', () => {
  test.each(settingNames)('%s comes from a flag before a variable before a file before its default', async (name) => {
    const [first, second, third] = examples[name]
    const config = file('annals.json', JSON.stringify({ [name]: third }))
    const env = { [variableOf(name)]: textOf(second) }
    const all = await configured(ioOf(env), { config, ...flagsOf(name, first) })
    expect([all.settings[name], all.from]).toEqual([first, { [name]: flagOf(name) }])
    const two = await configured(ioOf({ ANNALS_SERVE_CONFIG: config, ...env }), {})
    expect([two.settings[name], two.from]).toEqual([second, { [name]: variableOf(name) }])
    const one = await configured(ioOf({}), { config })
    expect([one.settings[name], one.from]).toEqual([third, { [name]: config }])
    const none = await configured(ioOf({}), {})
    expect([none.settings[name], none.from]).toEqual([settings[name].fallback, {}])
  })

  test.each(settingNames)('%s has a flag in the help', async (name) => {
    expect((await run(['serve', '--help'])).stdout).toMatch(new RegExp(`${flagOf(name)}( <\\w+>)? +\\w`))
  })

  test('has the same name everywhere', () => {
    for (const name of settingNames) {
      const command = new Command().option(flagOf(name))
      expect(command.options.map((option) => option.attributeName())).toEqual([name])
      expect(variableOf(name)).toMatch(/^ANNALS_(SERVE_[A-Z_]+|STORE|TENANT)$/)
    }
  })
})

describe('is refused', () => {
  test('what is not acceptable, by its name and its source, all of it together', async () => {
    const config = file('annals.json', '{"requestTimeoutMs":"soon","manyTenants":1,"baseUrl":null}')
    const refused = await run(['serve', '--port', '70000', '--config', config], {
      env: { ANNALS_SERVE_MAX_BODY_BYTES: '1e3' },
    })
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain("--port is not a whole number from 0 to 65535: '70000'")
    expect(refused.stderr).toContain("ANNALS_SERVE_MAX_BODY_BYTES is not a whole number from 1: '1e3'")
    expect(refused.stderr).toContain(`requestTimeoutMs in ${config} is not a whole number from 1 to 2147483647: 'soon'`)
    expect(refused.stderr).toContain(`manyTenants in ${config} is not true or false: '1'`)
    expect(refused.stderr).toContain(`baseUrl in ${config} is not a URL`)
  })

  test('what is not known, with what may have been meant', async () => {
    const config = file('annals.json', '{"maxBodyByte":1,"__proto__":1,"constructor":2}')
    const { code, stderr } = await run(['serve', '--config', config], { env: { ANNALS_SERVE_PROT: '1' } })
    expect(code).toBe(2)
    expect(stderr).toContain('there is no variable ANNALS_SERVE_PROT; did you mean ANNALS_SERVE_PORT?')
    expect(stderr).toContain(`there is no setting 'maxBodyByte' (${config}); did you mean maxBodyBytes?`)
    expect(stderr).toContain("there is no setting '__proto__'")
    expect(stderr).toContain("there is no setting 'constructor'")
    expect(await run(['serve', '--prot', '1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown option '--prot'; Did you mean --port?"),
    })
  })

  test('a file that is none, by line and column and without quoting it', async () => {
    const secret = 'a-secret-word'
    for (const [content, problem] of [
      [`{\n  "port": ${secret}}`, ':2:11: '],
      [`{"port":1,"port":2}`, ':1:11: this member name occurs twice'],
      ['[]', ':1:1: '],
      ['', ':1:1: it is empty'],
      [' '.repeat(2_000_000), ' is no file of settings'],
    ] as const) {
      const config = file('annals.json', content)
      const { code, stderr } = await run(['serve', '--config', config])
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${config}${problem}`)])
      expect(stderr).not.toContain(secret)
    }
    expect((await run(['serve', '--config', '/nowhere/annals.json'])).stderr).toContain('cannot be read')
  })

  test('a URL with credentials, which are not repeated', async () => {
    const { code, stderr } = await run(['serve', '--base-url', 'https://user:pass@fhir.example.org'])
    expect(code).toBe(2)
    expect(stderr).toContain("'https://fhir.example.org'")
    expect(stderr).not.toContain('pass@')
  })
})

test('what it started with is said with --json, and where each setting came from', async () => {
  const stop = new AbortController()
  const config = file('annals.json', '{"store":"memory:","tenant":"clinic"}')
  const { code, stdout, stderr } = await run(['serve', '--json', '--port', '0', '--config', config], {
    env: { ANNALS_SERVE_MAX_BODY_BYTES: '1000' },
    signal: stop.signal,
    onOut: () => stop.abort(),
  })
  const said = JSON.parse(stdout)
  expect([code, said.tenant]).toEqual([0, 'clinic'])
  expect(said.settings).toMatchObject({ store: 'memory:', maxBodyBytes: 1_000, port: 0, manyTenants: false })
  expect(said.from).toEqual({
    store: config,
    tenant: config,
    port: '--port',
    maxBodyBytes: 'ANNALS_SERVE_MAX_BODY_BYTES',
  })
  expect(JSON.parse(lines(stderr)[0] ?? '')).toMatchObject({ msg: 'starts', settings: said.settings, from: said.from })
})

test('the log is lines of JSON on stderr, for a person at a terminal, or silent', async () => {
  const said = async (...flags: string[]): Promise<string> => {
    const stop = new AbortController()
    const argv = ['serve', '--port', '0', '--store', 'memory:', ...flags]
    const terminal = flags.length === 0
    const onOut = async (text: string): Promise<void> => {
      const url = /http:\S+fhir/.exec(text)?.[0]
      await fetch(`${url}/Patient/a-patient`)
      stop.abort()
    }
    return (await run(argv, { terminal, signal: stop.signal, onOut })).stderr
  }
  const text = await said('--log-level', 'info')
  expect(lines(text).map((line) => JSON.parse(line).msg)).toEqual(expect.arrayContaining(['starts', 'answered']))
  expect(await said()).toMatch(
    /\d\d:\d\d:\d\d\.\d{3} GET \/fhir\/:type\/:id 404 [\d.]+ ms type=Patient .*failure=not-found/,
  )
  expect(await said('--log-level', 'silent')).toBe('')
  expect(await said('--log-level', 'warn')).toBe('')
})

test('a command to run names the store of the file', async () => {
  const store = newStore()
  await atStore(store)('put Note/a - --kind json --tenant notes', { stdin: '{}' })
  const { rmSync } = await import('node:fs')
  rmSync(`${store.slice('file:'.length)}/pointers`, { recursive: true })
  const config = file('annals.json', JSON.stringify({ store, tenant: 'notes' }))
  const { code, stderr } = await run(['serve', '--config', config])
  expect(code).toBe(3)
  expect(stderr).toContain(`annals recover --store ${store} --tenant notes`)
})

test('metrics are at a port of their own where one is given, with those of the process', async () => {
  const stop = new AbortController()
  const seen: (number | string)[] = []
  const onOut = async (text: string): Promise<void> => {
    const { url, metrics } = JSON.parse(text)
    const root = url.replace(/\/fhir$/, '')
    for (const place of [root, metrics.replace(/\/metrics$/, '')])
      for (const path of ['/metrics', '/x']) seen.push((await fetch(`${place}${path}`)).status)
    seen.push(await (await fetch(metrics)).text())
    stop.abort()
  }
  const argv = ['serve', '--json', '--port', '0', '--metrics-port', '0', '--store', 'memory:']
  expect((await run(argv, { signal: stop.signal, onOut })).code).toBe(0)
  expect(seen.slice(0, 4)).toEqual([404, 404, 200, 404])
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds', 'annals_store_commits_total'])
    expect(seen[4]).toContain(`\n${name} `)
})

test('an address that cannot be listened at is said to be so', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const argv = ['serve', '--store', 'memory:']
  for (const more of [
    ['--port', String(port)],
    ['--port', '0', '--metrics-port', String(port)],
  ]) {
    const { code, stderr } = await run([...argv, ...more, '--log-level', 'silent'])
    expect([code, stderr]).toEqual([2, expect.stringContaining(`port ${port} of '127.0.0.1'`)])
    expect(stderr).toContain('another program is there')
  }
  taken.close()
})
