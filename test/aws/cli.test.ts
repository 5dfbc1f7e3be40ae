/** The program at stores on S3 and DynamoDB: `bootstrap`, `doctor`, and what it says when it cannot do its work. */
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { atStore, ended, lines, run, start } from '../cli/harness.js'
import { deleteTable, makePlace, urlOf } from './stores.js'
import { connectionTo, describeWorlds, makeBucket, uniqueName, type World } from './worlds.js'

const steps = ['table', 'stream', 'time to live', 'point-in-time recovery', 'deletion protection']

interface Findings {
  readonly ok: boolean
  readonly findings: ReadonlyArray<{ check: string; ok: boolean; detail: string; advice?: string }>
}

/** A bucket, and the name of a table that is not there. */
async function bare(world: World) {
  const table = uniqueName()
  const url = urlOf(world, await makeBucket(world.s3), table)
  return { url, table, annals: atStore(url) }
}

describeWorlds('annals bootstrap', (world) => {
  const client = new DynamoDBClient(connectionTo(world.dynamodb))

  test('creates the table and says what it did, and the second time that nothing was left to do', async () => {
    const { table, annals } = await bare(world)
    const first = await annals('bootstrap')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const said = lines(first.stdout).map((line) => line.split('\t'))
    expect(said.map(([step]) => step)).toEqual(steps)
    expect(said.slice(0, 3).map(([, outcome]) => outcome)).toEqual(['done', 'done', 'done'])
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
    expect(Table).toMatchObject({ TableStatus: 'ACTIVE', StreamSpecification: { StreamEnabled: true } })

    const second = await annals('bootstrap')
    expect(second).toMatchObject({ code: 0, stderr: '' })
    for (const [n, line] of lines(second.stdout).entries()) {
      const [step, outcome] = line.split('\t')
      const supported = said[n]?.[1] !== 'unsupported'
      expect([step, outcome]).toEqual([steps[n], supported ? 'was there' : 'unsupported'])
    }
  })

  test('reports in JSON, and in columns at a terminal', async () => {
    const { table, annals } = await bare(world)
    const json = await annals('bootstrap --json')
    const report = JSON.parse(json.stdout)
    expect([json.code, json.stderr, report.table]).toEqual([0, '', table])
    expect(report.steps.map(({ step }: { step: string }) => step)).toEqual(steps)
    expect(report.steps[0]).toEqual({ step: 'table', outcome: 'done' })
    const shown = await annals('bootstrap', { terminal: true, env: { NO_COLOR: '1' } })
    expect(lines(shown.stdout)[0]).toBe(`${'table'.padEnd(24)}was there`)
  })
})

describeWorlds('annals doctor', (world) => {
  test('approves of a store as it should be, for people, pipes and programs', async () => {
    const annals = atStore((await makePlace(world, { stream: true })).url)
    const piped = await annals('doctor --create')
    expect(piped).toMatchObject({ code: 0, stderr: '' })
    const rows = lines(piped.stdout).map((line) => line.split('\t'))
    expect(rows.every(([sign, check, detail]) => sign === 'ok' && check && detail)).toBe(true)
    const checks = rows.map(([, check]) => check)
    expect(checks).toEqual(expect.arrayContaining(['bucket', 'clock', 'table stream', 'one winner of a create']))

    const json = await annals('doctor --json')
    const report: Findings = JSON.parse(json.stdout)
    expect([json.code, report.ok, report.findings.map(({ check }) => check)]).toEqual([0, true, checks])

    const shown = await annals('doctor', { terminal: true, env: { NO_COLOR: '1' } })
    expect(lines(shown.stdout).map((line) => line.slice(0, 34).trimEnd())).toEqual(
      checks.map((check) => `ok      ${check}`),
    )
  })

  test('names a table that is missing, and what to do', async () => {
    const { url, table } = await makePlace(world, { stream: true })
    const annals = atStore(url)
    await annals('doctor --create')
    await deleteTable(world.dynamodb, table)
    const piped = await annals('doctor')
    expect([piped.code, piped.stderr]).toEqual([1, ''])
    expect(piped.stdout).toMatch(/^failed\ttable shape\t.*there is no such table: create it with 'annals bootstrap'/m)

    const json = await annals('doctor --json')
    const { ok, findings }: Findings = JSON.parse(json.stdout)
    expect([json.code, ok]).toEqual([1, false])
    const failed = findings.filter((finding) => !finding.ok)
    expect(failed.map(({ check }) => check)).toEqual(['table shape', 'one winner of a swap', 'heads only advance'])
    for (const { detail, advice } of failed) {
      expect(detail).toContain("create it with 'annals bootstrap'")
      expect(advice).toBeTruthy()
    }

    expect((await annals('bootstrap')).code).toBe(0)
    expect((await annals('doctor')).code).toBe(0)
  })

  test('of a bucket without a store says how one is made, and makes none', async () => {
    const { url } = await makePlace(world, { stream: true })
    const ran = await atStore(url)('doctor')
    expect([ran.code, ran.stdout]).toEqual([3, ''])
    expect(ran.stderr).toContain('create what is missing')
    expect((await atStore(url)('doctor')).code).toBe(3)
  })

  // The SDK warns of the end of its support for Node 20, on that version.
  test('as a process says what it has to say, and nothing of the AWS SDK', async () => {
    const { url } = await makePlace(world, { stream: true })
    const { code, stdout, stderr } = await ended(start(['doctor', '--create', '--store', url]))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('ok\tone winner of a create\t')
  })
})

describe('a command line that is not acceptable', () => {
  test.each([
    ['a folder', 'file:./somewhere', 'only stores of the form s3://bucket/prefix?table=name do'],
    ['a store in memory', 'memory:', 'only stores of the form s3://bucket/prefix?table=name do'],
    ['a URL without a table', 's3://records', 'table is missing'],
    ['a parameter that is none', 's3://records?table=annals&tabel=x', "there is no parameter 'tabel'"],
    ['a name that no bucket has', 's3://Re_cords?table=annals', 'names no bucket'],
    ['credentials in the URL', 's3://id:hidden@records?table=annals', 'a store URL holds no credentials'],
  ])('ends bootstrap with 2: %s', async (_, url, problem) => {
    const ran = await atStore(url)('bootstrap')
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toContain(problem)
    expect(ran.stderr).not.toContain('hidden')
    const json = await atStore(url)('bootstrap --json')
    expect([json.code, JSON.parse(json.stderr).tag]).toEqual([2, 'InvalidInput'])
  })

  test('ends doctor with 2: a URL without a table', async () => {
    const ran = await atStore('s3://records')('doctor')
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toContain('ANNALS_AWS_TABLE')
  })
})

describe('servers that cannot be reached', () => {
  const nobody = 'http://127.0.0.1:1'
  const url = `s3://records?table=annals&endpoint=${nobody}&max-attempts=1`

  test.each(['bootstrap', 'doctor', 'doctor --create', 'get Patient/p1'])('end %s with 3', async (line) => {
    const ran = await atStore(url)(line)
    expect([ran.code, ran.stdout]).toEqual([3, ''])
    expect(ran.stderr).toContain('ECONNREFUSED')
    const json = await run([...line.split(' '), '--json', '--store', url])
    expect([json.code, JSON.parse(json.stderr)]).toEqual([
      3,
      expect.objectContaining({ tag: 'Unavailable', retryable: true }),
    ])
  })
})
