/**
 * How secrets are named in Secrets Manager, which allows letters, digits and `/_+=.@-`: as keys are, with `=` for `%` and
 * `@` for `~`. Neither stands for itself in a percent-encoded name, so that no two names become one.
 */
import { decodeSegment, encodeSegment } from '../../../domain/keys.js'
import type { SecretName } from '../../../domain/ports/index.js'
import { secretFolder, secretKey } from '../../secret-rules.js'

/** Marks whose a secret is, for policies that compare it with a tag of the caller's. */
export const tenantTag = 'annals:tenant'

const spelled = (encoded: string): string => encoded.replaceAll('%', '=').replaceAll('~', '@')

export const storedName = (prefix: string, name: SecretName): string => prefix + spelled(secretKey(name))

export const storedFolder = (prefix: string, tenant: string): string => prefix + spelled(secretFolder(tenant))

/** The name in its folder, as it was given. */
export const givenName = (stored: string): string => decodeSegment(stored.replaceAll('=', '%').replaceAll('@', '~'))

/** The value of the tag: tags allow the same characters as names. */
export const tagOf = (tenant: string): { Key: string; Value: string } => ({
  Key: tenantTag,
  Value: spelled(encodeSegment(tenant)),
})
