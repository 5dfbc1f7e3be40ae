/** Where secrets live on AWS: `aws:?region=…&prefix=…`. Everything that is wrong is named in one message. */
import { annalsError } from '../../../domain/error.js'

export interface SecretsManagerSettings {
  /** Without it the SDK looks in `AWS_REGION` and the shared configuration. */
  readonly region?: string
  /** A server other than AWS. */
  readonly endpoint?: string
  /** Of all names, `annals/` for example: it keeps several stores of one account apart. */
  readonly prefix?: string
  /** How many days a deleted secret can be restored by hand: 7 (default) to 30. */
  readonly recoveryDays?: number
}

const defaultRecoveryDays = 7

/** Names may have 512 characters, of which a tenant and a secret's name take up to 331. */
const patterns: Readonly<Record<string, readonly [name: string, pattern: RegExp]>> = {
  region: ['a region such as eu-central-1', /^[a-z0-9-]{1,64}$/],
  endpoint: ['a URL such as http://localhost:9000', /^https?:\/\/[^\s/?#@]+\/?$/],
  prefix: ['at most 160 letters, digits and /_+=.@-', /^[A-Za-z0-9/_+=.@-]{0,160}$/],
  'recovery-days': ['a whole number from 7 to 30', /^([7-9]|[12]\d|30)$/],
}

export function secretsManagerSettings(url: string, options: SecretsManagerSettings) {
  const problems: string[] = []
  const [, query] = /^aws:(?:\?(.*))?$/s.exec(url) ?? []
  if (url !== 'aws:' && query === undefined) problems.push('only parameters follow aws: as in aws:?region=eu-central-1')
  const given = new Map<string, string>()
  for (const [key, value] of new URLSearchParams(query)) {
    if (given.has(key)) problems.push(`${key} is given twice`)
    given.set(key, value)
  }
  for (const [key, value] of Object.entries(options))
    if (value !== undefined) given.set(key === 'recoveryDays' ? 'recovery-days' : key, String(value))
  for (const [key, value] of given) {
    const [name, pattern] = (Object.hasOwn(patterns, key) && patterns[key]) || []
    if (pattern === undefined)
      problems.push(`there is no parameter '${key.slice(0, 40)}': known are ${Object.keys(patterns).join(', ')}`)
    else if (!pattern.test(value)) problems.push(`${key} is not ${name}: '${value.slice(0, 80)}'`)
  }
  if (problems.length > 0) throw annalsError('InvalidInput', { what: 'secrets on aws:', problem: problems.join('; ') })
  const prefix = given.get('prefix') ?? ''
  return {
    region: given.get('region'),
    endpoint: given.get('endpoint'),
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    recoveryDays: Number(given.get('recovery-days') ?? defaultRecoveryDays),
  }
}
