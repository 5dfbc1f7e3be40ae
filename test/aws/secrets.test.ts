/** The contract of secrets, kept in the Secrets Manager of moto; and what only Secrets Manager does. */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { describe, expect, inject, test } from 'vitest'
import type { ServiceRequest } from '../../adapters/aws/requests.js'
import { secretsManagerSecrets } from '../../adapters/aws/secrets-manager/secrets.js'
import { run } from '../../domain/task.js'
import { openSecrets } from '../../src/index.js'
import { secretsContract } from '../../src/testing/index.js'
import { connectionTo, uniqueName } from './worlds.js'

const { moto } = inject('endpoints')
const name = { tenant: 'acme ä', name: 'data~base' }
const spelled = 'accounts/acme=20=C3=A4/data@base'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

describe.skipIf(moto === undefined)('secrets on moto', () => {
  const client = new SecretsManagerClient(connectionTo(moto ?? ''))
  const place = (prefix = `${uniqueName()}/`) => ({
    prefix,
    secrets: secretsManagerSecrets({ client, prefix, recoveryDays: 9 }),
  })
  const stored = (prefix: string) => client.send(new DescribeSecretCommand({ SecretId: prefix + spelled }))

  for (const { promise, check } of secretsContract) test(promise, () => check(async () => place().secrets))

  test('a secret has a name that Secrets Manager allows, and a tag that says whose it is', async () => {
    const { prefix, secrets } = place()
    await run(secrets.put(name, bytes('x')))
    expect(await stored(prefix)).toMatchObject({ Tags: [{ Key: 'annals:tenant', Value: 'acme=20=C3=A4' }] })
    // moto would take any name.
    for (const odd of ['%', '~', '😀', "!'()*", 'a/b']) await run(secrets.put({ tenant: odd, name: odd }, bytes('x')))
    const names = (await run(secrets.list('%'))).length
    expect(names).toBe(1)
  })

  test('a text that was stored by others is read as its bytes, and gets the tag once it is put', async () => {
    const { prefix, secrets } = place()
    await client.send(new CreateSecretCommand({ Name: prefix + spelled, SecretString: 'pässword' }))
    expect(text(await run(secrets.get(name)))).toBe('pässword')
    await run(secrets.put(name, bytes('new')))
    expect(text(await run(secrets.get(name)))).toBe('new')
    expect((await stored(prefix)).Tags).toEqual([{ Key: 'annals:tenant', Value: 'acme=20=C3=A4' }])
  })

  test('a deleted secret can be restored for as many days as was asked for, and a put makes it live again', async () => {
    const { prefix, secrets } = place()
    await run(secrets.put(name, bytes('first')))
    await run(secrets.delete(name))
    const { DeletedDate } = await stored(prefix)
    expect(Math.round(((DeletedDate?.getTime() ?? 0) - Date.now()) / 86_400_000)).toBe(9)
    await run(secrets.put(name, bytes('second')))
    expect((await stored(prefix)).DeletedDate).toBeUndefined()
    const { SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: prefix + spelled }))
    expect(text(SecretBinary)).toBe('second')
  })

  test('prefixes keep stores apart, and no list shows what others have put beside or below a tenant', async () => {
    const { prefix, secrets } = place()
    const other = place(`${prefix}accounts/`)
    await run(secrets.put(name, bytes('mine')))
    await run(other.secrets.put(name, bytes('theirs')))
    await client.send(new CreateSecretCommand({ Name: `${prefix + spelled}/deeper`, SecretString: 'x' }))
    expect(text(await run(secrets.get(name)))).toBe('mine')
    expect(await run(secrets.list(name.tenant))).toEqual([name.name])
    expect(await run(secrets.list('accounts'))).toEqual([])
  })

  test('a put of a new secret costs one request, of another value three, a get one and a list one', async () => {
    const requests: ServiceRequest[] = []
    const spent = () => requests.splice(0).map(({ service, operation }) => `${service}.${operation}`)
    const url = `aws:?endpoint=${moto}&prefix=${uniqueName()}`
    const secrets = await openSecrets(url, { aws: { onRequest: (request) => requests.push(request) } })
    await secrets.put(name, bytes('first'))
    expect(spent()).toEqual(['secretsmanager.CreateSecret'])
    await secrets.put(name, bytes('second'))
    expect(spent().slice(1)).toEqual(['secretsmanager.DescribeSecret', 'secretsmanager.PutSecretValue'])
    expect(text(await secrets.get(name))).toBe('second')
    expect(spent()).toEqual(['secretsmanager.GetSecretValue'])
    expect(await secrets.list(name.tenant)).toEqual([name.name])
    expect(spent()).toEqual(['secretsmanager.ListSecrets'])
    await secrets.close()
  })
})
