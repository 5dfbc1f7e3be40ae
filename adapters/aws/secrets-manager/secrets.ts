/**
 * Secrets in AWS Secrets Manager.
 *
 * A deleted secret can be restored for some days, and until then its name is taken. It is treated as absent, and a put
 * restores it before it stores the new value: between the two requests, the old value can be read once more.
 */
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import type { SecretName, Secrets } from '../../../domain/ports/index.js'
import { attempt } from '../../../domain/task.js'
import { checkSecret, secretFolder, secretKey } from '../../secret-rules.js'
import { type ServiceCall, serviceError } from '../service-error.js'
import { listNames } from './list.js'
import { storedName, tagOf, tenantTag } from './names.js'

export interface SecretsManagerOptions {
  readonly client: SecretsManagerClient
  /** Of all names; ends with a slash unless it is empty. */
  readonly prefix: string
  /** How long a deleted secret can be restored by hand. */
  readonly recoveryDays: number
}

/** Rounds of looking and writing, while others delete and create the same secret. */
const maxRounds = 4

const isCalled = (error: unknown, ...names: ReadonlyArray<string>): boolean =>
  error instanceof Error && names.includes(error.name)

export function secretsManagerSecrets({ client, prefix, recoveryDays }: SecretsManagerOptions): Secrets {
  const describe = async (id: string): Promise<DescribeSecretCommandOutput | undefined> => {
    try {
      return await client.send(new DescribeSecretCommand({ SecretId: id }))
    } catch (error) {
      if (isCalled(error, 'ResourceNotFoundException')) return undefined
      throw error
    }
  }

  /** `InvalidRequestException` is the answer to several mistakes. Only the description says which. */
  const isGone = async (id: string, error: unknown): Promise<boolean> => {
    if (isCalled(error, 'ResourceNotFoundException')) return true
    if (!isCalled(error, 'InvalidRequestException')) throw error
    const found = await describe(id)
    return found === undefined || isDeleted(found)
  }

  async function read(id: string): Promise<Uint8Array | undefined> {
    for (let round = 1; ; round++) {
      try {
        const { SecretBinary, SecretString } = await client.send(new GetSecretValueCommand({ SecretId: id }))
        // People and other programs store texts.
        return SecretBinary ?? (SecretString === undefined ? undefined : Buffer.from(SecretString))
      } catch (error) {
        if (await isGone(id, error)) return undefined
        // Restored between the two requests, by a put; or another mistake, which stays.
        if (round === maxRounds) throw error
      }
    }
  }

  /** Stores a value in a secret that exists, restored and tagged if need be. `false`: it was deleted meanwhile. */
  async function replace(id: string, tenant: string, bytes: Uint8Array): Promise<boolean> {
    // Looked at first, since not every server refuses to store a value in a deleted secret.
    const found = await describe(id)
    if (found === undefined) return false
    try {
      if (isDeleted(found)) await client.send(new RestoreSecretCommand({ SecretId: id }))
      const tag = tagOf(tenant)
      if (!found.Tags?.some(({ Key, Value }) => Key === tenantTag && Value === tag.Value))
        await client.send(new TagResourceCommand({ SecretId: id, Tags: [tag] }))
      await client.send(new PutSecretValueCommand({ SecretId: id, SecretBinary: bytes }))
      return true
    } catch (error) {
      if (await isGone(id, error)) return false
      throw error
    }
  }

  async function write(call: ServiceCall, name: SecretName, bytes: Uint8Array): Promise<void> {
    const id = storedName(prefix, name)
    for (let round = 1; round <= maxRounds; round++) {
      try {
        await client.send(new CreateSecretCommand({ Name: id, SecretBinary: bytes, Tags: [tagOf(name.tenant)] }))
        return
      } catch (error) {
        if (!isCalled(error, 'ResourceExistsException', 'InvalidRequestException')) throw error
      }
      if (await replace(id, name.tenant, bytes)) return
    }
    throw annalsError('Unavailable', { ...call, cause: 'others delete and create this secret at the same time' })
  }

  async function remove(id: string): Promise<void> {
    try {
      await client.send(new DeleteSecretCommand({ SecretId: id, RecoveryWindowInDays: recoveryDays }))
    } catch (error) {
      if (!(await isGone(id, error))) throw error
    }
  }

  const step = <A>(operation: string, keyOf: () => string, writes: boolean, body: (call: ServiceCall) => Promise<A>) =>
    attempt(async () => {
      const call = { operation, key: keyOf(), writes }
      try {
        return await body(call)
      } catch (error) {
        throw typedError(error, call)
      }
    })

  return {
    get: (name) =>
      step(
        'get secret',
        () => secretKey(name),
        false,
        () => read(storedName(prefix, name)),
      ),

    put: (name, bytes) =>
      step(
        'put secret',
        () => secretKey(name),
        true,
        async (call) => {
          checkSecret(call.key, bytes)
          await write(call, name, bytes)
        },
      ),

    delete: (name) =>
      step(
        'delete secret',
        () => secretKey(name),
        true,
        () => remove(storedName(prefix, name)),
      ),

    list: (tenant) =>
      step(
        'list secrets',
        () => secretFolder(tenant),
        false,
        () => listNames(client, prefix, tenant),
      ),
  }
}

const isDeleted = ({ DeletedDate }: DescribeSecretCommandOutput): boolean =>
  DeletedDate !== undefined && DeletedDate !== null

/** What a service says of a request may hold parts of it: of a refused write, only the name of the error is passed on. */
function typedError(error: unknown, call: ServiceCall): AnnalsError {
  const isAnswer = error instanceof Error && '$fault' in error
  if (!call.writes || !isAnswer) return serviceError(error, call)
  const message = { value: 'its message is left out, since it may hold the secret; CloudTrail has the request' }
  return serviceError(Object.create(error, { message }), call)
}
