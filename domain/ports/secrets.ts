import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../error.js'

/**
 * Small values that nobody but the program may read, such as a tenant's credentials: Secrets Manager, an encrypted
 * folder, a map.
 *
 * Contract, checked for every adapter by the suite in `annals/testing`:
 * - A value is any 1 to 65536 bytes, and comes back byte for byte.
 * - Values are put whole; of concurrent puts of one name, one is what stays.
 * - What is deleted is absent at once, and its name can be put again at once.
 * - Tenants share nothing: neither names nor values.
 * - No error and no message holds a value.
 */
export interface Secrets {
  get(name: SecretName): TaskEither<AnnalsError, Uint8Array | undefined>
  /** Creates the secret, or replaces its value. */
  put(name: SecretName, bytes: Uint8Array): TaskEither<AnnalsError, void>
  /** Deletes what is there; an absent secret is no error. */
  delete(name: SecretName): TaskEither<AnnalsError, void>
  /** The names of a tenant's secrets, in the order of their UTF-8 bytes. On AWS it may lag minutes behind the writes. */
  list(tenant: string): TaskEither<AnnalsError, ReadonlyArray<string>>
}

/** Any texts without control characters, each at most 160 bytes once percent-encoded. */
export interface SecretName {
  readonly tenant: string
  readonly name: string
}

export const maxSecretBytes = 65_536
