/** What every place for secrets accepts, whatever it is made of. A breach throws the typed error, for `attempt` to catch. */
import { annalsError } from '../domain/error.js'
import { encodeSegment } from '../domain/keys.js'
import { maxSecretBytes, type SecretName } from '../domain/ports/index.js'
import { checkSegment, checkTenant } from '../domain/resource.js'
import { orThrow } from '../domain/task.js'

/** Where a tenant's secrets are; ends with a slash. */
export const secretFolder = (tenant: string): string => `accounts/${encodeSegment(orThrow(checkTenant(tenant)))}/`

/** The secret's name as one text, for keys and messages: `accounts/{tenant}/{name}`, both percent-encoded. */
export const secretKey = ({ tenant, name }: SecretName): string =>
  secretFolder(tenant) + encodeSegment(orThrow(checkSegment('secret name', name)))

export function checkSecret(key: string, bytes: Uint8Array): void {
  const size = bytes.byteLength
  // Secrets Manager stores no empty value, so nobody does.
  if (size === 0) throw annalsError('InvalidInput', { what: `secret ${key}`, problem: 'its value is empty; delete it' })
  if (size > maxSecretBytes)
    throw annalsError('LimitExceeded', { what: `secret ${key}`, limit: maxSecretBytes, actual: size, unit: 'bytes' })
}
