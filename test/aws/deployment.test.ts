/** The CloudFormation template: accepted by cfn-lint, and as strict as the documentation says. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { cacheFolder } from '../servers/obtain.js'
import { run, works } from '../servers/run.js'

const template = fileURLToPath(new URL('../../docs/deploy/annals.template.yaml', import.meta.url))
const version = '1.58.0'
const linter = join(cacheFolder(), `cfn-lint-${version}`)
const program = join(linter, 'bin', 'cfn-lint')

const missing =
  existsSync(program) || works('python3', ['-c', 'import ensurepip']) ? undefined : 'cfn-lint needs Python 3'
if (missing !== undefined && process.env.ANNALS_REQUIRE_SERVERS === '1') throw new Error(missing)
if (missing !== undefined) console.log(`the template is not checked: ${missing}`)

const adapters = fileURLToPath(new URL('../../adapters/aws/', import.meta.url))

/** The commands that a store on AWS sends: all but those for secrets, which have permissions of their own. */
const commands = (): string[] =>
  readdirSync(adapters, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('secrets-manager'))
    .flatMap((name) => readFileSync(join(adapters, name), 'utf8').match(/(?<=new )[A-Z]\w+(?=Command\()/g) ?? [])

/** Commands whose permission has another name. */
const actionsOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  HeadBucket: ['ListBucket'],
  HeadObject: ['GetObject'],
  ListObjectsV2: ['ListBucket'],
  DeleteObjects: ['DeleteObject'],
  TransactWriteItems: ['PutItem', 'DeleteItem', 'ConditionCheckItem'],
}

describe.skipIf(missing !== undefined)('the CloudFormation template', () => {
  beforeAll(async () => {
    if (existsSync(program)) return
    mkdirSync(cacheFolder(), { recursive: true })
    await run('python3', ['-m', 'venv', linter])
    await run(join(linter, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `cfn-lint==${version}`])
  }, 300_000)

  test('is accepted by cfn-lint', async () => {
    await run(program, [template])
  })

  test('denies what could change the log, to everyone', () => {
    const text = readFileSync(template, 'utf8')
    for (const sid of ['OnlyEncryptedConnections', 'LogIsCreatedOnce', 'LogIsNeverDeleted']) expect(text).toContain(sid)
    const createdOnce = text.slice(text.indexOf('LogIsCreatedOnce'), text.indexOf('LogIsNeverDeleted'))
    expect(createdOnce).toMatch(
      /Effect: Deny[\s\S]*s3:PutObject[\s\S]*\/log\/\*[\s\S]*\/blobs\/\*[\s\S]*s3:if-none-match/,
    )
    const neverDeleted = text.slice(text.indexOf('LogIsNeverDeleted'), text.indexOf('  Table:'))
    expect(neverDeleted).toMatch(
      /Effect: Deny[\s\S]*s3:DeleteObject\n[\s\S]*s3:DeleteObjectVersion[\s\S]*\/log\/\*[\s\S]*\/blobs\/\*/,
    )
  })

  test('allows its roles what the adapters send, and nothing else', () => {
    const text = readFileSync(template, 'utf8')
    const policies = text.slice(text.indexOf('  ReadPolicy:'), text.indexOf('  ReaderRole:'))
    const granted = new Set(policies.match(/\b(?:s3|dynamodb):[A-Z]\w+/g))
    const sent = commands().flatMap((command) => actionsOf[command] ?? [command])
    // Bootstrap is the work of whoever makes the bucket, too.
    const work = sent.filter((action) => !/^(Create|Update|Tag)/.test(action))
    expect([...granted].map((action) => action.replace(/^\w+:/, '')).sort()).toEqual([...new Set(work)].sort())
  })

  test('has the table that bootstrap makes', () => {
    const text = readFileSync(template, 'utf8')
    for (const line of [
      'BillingMode: PAY_PER_REQUEST',
      'DeletionProtectionEnabled: true',
      'StreamViewType: NEW_IMAGE',
      'AttributeName: expires_at',
      'PointInTimeRecoveryEnabled: true',
      'Status: Enabled',
      'BlockPublicPolicy: true',
    ])
      expect(text).toContain(line)
  })
})
