/** Secrets Manager as AWS answers and no server of the tests does: names, deletions, throttles, refusals. */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { describe, expect, test, vi } from 'vitest'
import { secretsManagerSecrets } from '../../../adapters/aws/secrets-manager/secrets.js'
import { run } from '../../../domain/task.js'
import { openSecrets as openAsStep } from '../../../src/fp.js'
import { openSecrets } from '../../../src/index.js'
import { refusal } from '../../../src/testing/contracts/promise.js'
import { type Answer, maxAttempts, type Step, scripted, times } from './scripted.js'

const ok = (body: object = {}): Answer => ({ status: 200, body: JSON.stringify(body) })
const failed = (type: string, message = 'no', status = 400): Answer => ({
  status,
  body: JSON.stringify({ __type: type, message }),
})
const deleted = failed('InvalidRequestException', 'because it was marked for deletion')
const missing = failed('ResourceNotFoundException')
const tagged = { Tags: [{ Key: 'annals:tenant', Value: 'acme' }] }

const name = { tenant: 'acme', name: 'database' }
const value = new TextEncoder().encode('hunter2')
const inBase64 = Buffer.from(value).toString('base64')

function place(...steps: Step[]) {
  const { requests, options } = scripted(steps)
  const client = new SecretsManagerClient(options)
  const secrets = secretsManagerSecrets({ client, prefix: 'annals/', recoveryDays: 7 })
  const asked = () => requests.map(({ headers }) => headers['x-amz-target']?.replace('secretsmanager.', ''))
  return { secrets, asked, client, bodies: () => requests.map(({ body }) => JSON.parse(String(body))) }
}

describe('secrets in Secrets Manager', () => {
  test('have names and tags of the characters that it allows, and of no more than it allows', async () => {
    const odd = ['%', '~', '/', "!'()*&", 'ä 😀', '..', '~'.repeat(160), `x${'%'.repeat(53)}`]
    for (const tenant of odd)
      for (const each of odd) {
        const { secrets, bodies } = place(ok())
        await run(secrets.put({ tenant, name: each }, value))
        const [{ Name, Tags }] = bodies()
        expect(Name).toMatch(/^annals\/accounts\/[A-Za-z0-9_+=.@-]+\/[A-Za-z0-9_+=.@-]+$/)
        expect(Name.length).toBeLessThanOrEqual(512 - 160)
        expect(Tags[0].Value).toMatch(/^[A-Za-z0-9_+=.@-]{1,256}$/)
      }
  })

  test('that wait for their deletion are absent, and a put restores them before it stores the value', async () => {
    const read = place(deleted, ok({ DeletedDate: 1_700_000_000 }))
    expect(await run(read.secrets.get(name))).toBeUndefined()
    const put = place(deleted, ok({ DeletedDate: 1_700_000_000, ...tagged }), ok(), ok())
    await run(put.secrets.put(name, value))
    expect(put.asked()).toEqual(['CreateSecret', 'DescribeSecret', 'RestoreSecret', 'PutSecretValue'])
    expect(put.bodies().at(-1)).toMatchObject({ SecretId: 'annals/accounts/acme/database', SecretBinary: inBase64 })
    const twice = place(deleted, ok({ DeletedDate: 1_700_000_000 }))
    await run(twice.secrets.delete(name))
    expect(twice.bodies()[0].RecoveryWindowInDays).toBe(7)
  })

  test('that are restored while they are read are read, and those deleted while they are put are put', async () => {
    const read = place(deleted, ok(), ok({ SecretBinary: inBase64 }))
    expect(Buffer.from((await run(read.secrets.get(name))) ?? []).toString()).toBe('hunter2')
    const exists = failed('ResourceExistsException')
    const gone = ok({ DeletedDate: 1_700_000_000, ...tagged })
    const put = place(exists, ok(tagged), deleted, gone, deleted, gone, ok(), ok())
    await run(put.secrets.put(name, value))
    expect(put.asked().slice(-3)).toEqual(['DescribeSecret', 'RestoreSecret', 'PutSecretValue'])
    const endless = place(...times(4, exists).flatMap((each) => [each, missing]), ok())
    expect((await refusal(endless.secrets.put(name, value), 'Unavailable')).message).toMatch(/at the same time/)
  })

  test('are never taken for absent because of another mistake', async () => {
    const replica = failed('InvalidRequestException', 'this is a replica')
    for (const operation of ['get', 'delete'] as const) {
      const { secrets } = place(...times(4, replica).flatMap((each) => [each, ok()]))
      expect((await refusal<unknown>(secrets[operation](name), 'StorageRefused')).data).toMatchObject({
        key: 'accounts/acme/database',
      })
    }
    await refusal(place(failed('AccessDeniedException')).secrets.get(name), 'StorageRefused')
    await refusal(place(failed('DecryptionFailure')).secrets.get(name), 'StorageRefused')
  })

  test('are unavailable when requests are throttled or the service fails, after a bounded number of tries', async () => {
    for (const answer of [failed('ThrottlingException'), failed('InternalServiceError', 'no', 500)]) {
      const calls = place(answer)
      await refusal(calls.secrets.get(name), 'Unavailable')
      await refusal(calls.secrets.put(name, value), 'Unavailable')
      await refusal(calls.secrets.delete(name), 'Unavailable')
      await refusal(calls.secrets.list('acme'), 'Unavailable')
      expect(calls.asked().length).toBe(4 * maxAttempts)
    }
  })

  test('are created once, however often the request is sent', async () => {
    const { secrets, bodies } = place(failed('InternalServiceError', 'no', 500), ok())
    await run(secrets.put(name, value))
    const tokens = bodies().map(({ ClientRequestToken }) => ClientRequestToken)
    expect(tokens).toEqual([expect.stringMatching(/^.{32,64}$/), tokens[0]])
  })

  test('never stand in an error, even if the service repeats what it was sent', async () => {
    const echo = `value hunter2 (${inBase64}) failed to satisfy a constraint`
    for (const type of [
      'ValidationException',
      'InvalidParameterException',
      'EncryptionFailure',
      'ThrottlingException',
    ]) {
      const result = await place(failed(type, echo)).secrets.put(name, value)()
      expect(result._tag).toBe('Left')
      expect(`${JSON.stringify(result)} ${'left' in result && result.left.stack}`).not.toMatch(/hunter2|aHVudGVyMg/)
      expect(JSON.stringify(result)).toContain(type)
    }
  })

  test('are listed over all pages, without those of others', async () => {
    const page = (names: string[], NextToken?: string) =>
      ok({ SecretList: names.map((each) => ({ Name: `annals/accounts/${each}` })), NextToken })
    const { secrets, bodies } = place(
      page(['acme/b', 'acme/a@'], 'more'),
      page([], 'last'),
      page(['ACME/x', 'acme/c/d', 'acme/=25']),
    )
    expect(await run(secrets.list('acme'))).toEqual(['%', 'a~', 'b'])
    expect(bodies().map(({ NextToken }) => NextToken)).toEqual([undefined, 'more', 'last'])
    expect(bodies()[0].Filters).toEqual([{ Key: 'name', Values: ['annals/accounts/acme/'] }])
  })
})

describe('opening secrets', () => {
  test('by a URL works in memory and in a folder, with every failure thrown or as a value', async () => {
    const secrets = await openSecrets('memory:')
    await secrets.put(name, value)
    expect(await secrets.get(name)).toEqual(value)
    await expect(secrets.put(name, new Uint8Array())).rejects.toMatchObject({ code: 'ANNALS_INVALID_INPUT' })
    expect(await secrets.fp.put(name, new Uint8Array())()).toMatchObject({ _tag: 'Left' })
    expect(await openAsStep('nowhere')()).toMatchObject({ _tag: 'Left', left: { _tag: 'InvalidInput' } })
    await secrets.close()
  })

  test('names everything that is wrong with a URL, and repeats nothing of one that is no URL', async () => {
    const problems = async (url: string, options = {}) =>
      (
        await openSecrets(url, options).then(
          () => expect.fail('it was opened'),
          (error) => error,
        )
      ).message
    expect(await problems('aws:?region=EU&recovery-days=31&prefix=a%25b&colour=red&colour=red')).toMatch(
      /colour is given twice; region .*recovery-days .*prefix .*no parameter 'colour'/,
    )
    expect(await problems('aws:', { aws: { endpoint: 'http://u:p@host', recoveryDays: 6 } })).toMatch(
      /endpoint.*recovery/,
    )
    expect(await problems('hunter2')).not.toMatch(/hunter2/)
    expect(await problems('memory:', { passphrase: 'hunter2' })).toMatch(/passphrase/)
  })

  test('on AWS ends the client that it made, and never one that it was given', async () => {
    const { client } = place(ok({ SecretString: 'x' }))
    const destroyed = vi.spyOn(SecretsManagerClient.prototype, 'destroy')
    const given = await openSecrets('aws:', { aws: { client } })
    expect(await given.get(name)).toEqual(Buffer.from('x'))
    await given.close()
    expect(destroyed).toHaveBeenCalledTimes(0)
    await (await openSecrets('aws:?region=eu-central-1')).close()
    expect(destroyed).toHaveBeenCalledTimes(1)
    destroyed.mockRestore()
  })
})
