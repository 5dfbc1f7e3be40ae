/**
 * Where a store lives on AWS: `s3://bucket/prefix?table=…`. Each parameter may also come from the options, which win, or
 * from an environment variable `ANNALS_AWS_…`, which stands back. Everything that is wrong is named in one message.
 */
import * as E from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { Parameters, parameterNames, place } from './parameters.js'

/** What a program may say beside or instead of the URL's parameters. */
export interface AwsOptions extends Parameters {
  /** Bucket per tenant: `{ acme: 'acme-bucket/prefix' }`. With it, a tenant that is not named is refused. */
  readonly buckets?: Readonly<Record<string, string>>
  /** Tags of every object. */
  readonly tags?: Readonly<Record<string, string>>
}

export interface AwsSettings extends Omit<AwsOptions, 'table' | 'buckets'> {
  readonly table: string
  readonly bucket: string
  /** Ends with a slash, unless it is empty. */
  readonly prefix: string
  readonly buckets?: ReadonlyMap<string, BucketPlace>
}

export interface BucketPlace {
  readonly bucket: string
  readonly prefix: string
}

/** `s3Endpoint` is `s3-endpoint` in a URL, and `ANNALS_AWS_S3_ENDPOINT` in the environment. */
const urlName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const environmentName = (name: string): string => `ANNALS_AWS_${urlName(name).replaceAll('-', '_').toUpperCase()}`

const bucketParameter = 'bucket.'

type Environment = Readonly<Record<string, string | undefined>>

export const awsSettings = (url: string, options: AwsOptions, env: Environment): E.Either<AnnalsError, AwsSettings> =>
  settingsIn(url, options, env, true)

/** Of a place for objects alone, which needs no table. */
export const bucketSettings = (url: string, env: Environment): E.Either<AnnalsError, Omit<AwsSettings, 'table'>> =>
  settingsIn(url, {}, env, false)

function settingsIn(
  url: string,
  options: AwsOptions,
  env: Environment,
  needsTable: boolean,
): E.Either<AnnalsError, AwsSettings> {
  const problems: string[] = []
  const { where, query } = parts(url, problems)
  const given = { ...fromEnvironment(env), ...fromQuery(query, problems), ...defined(options) }
  const decoded = Parameters.decode(given)
  if (E.isLeft(decoded)) for (const { context, value } of decoded.left) problems.push(problemOf(context, value))
  const settings = given as Parameters
  if (needsTable && settings.table === undefined)
    problems.push(`table is missing: add ?table=name to the URL, or set ${environmentName('table')}`)
  if ((settings.lockMode === undefined) !== (settings.lockDays === undefined))
    problems.push('lock-mode and lock-days are given together or not at all')
  if (settings.kmsKey !== undefined && !settings.encryption?.startsWith('aws:kms'))
    problems.push('kms-key needs encryption=aws:kms')
  const home = placeOf('the URL', where, problems)
  const buckets = tenantBuckets(query, options, problems)
  if (problems.length > 0 || E.isLeft(decoded))
    return E.left(annalsError('InvalidInput', { what: `store s3://${home.bucket}`, problem: problems.join('; ') }))
  const { table = '', ...rest } = decoded.right
  return E.right({ ...rest, table, ...home, buckets, tags: options.tags })
}

/** Not `new URL`: it would change the letters of a prefix. */
function parts(url: string, problems: string[]): { where: string; query: URLSearchParams } {
  const [, path = '', query = ''] = /^s3:\/\/([^?]*)(?:\?(.*))?$/s.exec(url) ?? []
  if (!path.includes('@')) return { where: path, query: new URLSearchParams(query) }
  problems.push('a store URL holds no credentials: they come from the environment, a profile or the options')
  return { where: path.slice(path.lastIndexOf('@') + 1), query: new URLSearchParams(query) }
}

function fromQuery(query: URLSearchParams, problems: string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [key, value] of query) {
    const name = parameterNames.find((each) => urlName(each) === key)
    if (name !== undefined) {
      if (name in found) problems.push(`${key} is given twice`)
      found[name] = value
    } else if (!key.startsWith(bucketParameter))
      problems.push(
        `there is no parameter '${key.slice(0, 40)}': known are ${parameterNames.map(urlName).join(', ')}, bucket.{tenant}`,
      )
  }
  return found
}

function fromEnvironment(env: Environment): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of parameterNames) {
    const value = env[environmentName(name)]
    if (value !== undefined && value !== '') found[name] = value
  }
  return found
}

const defined = ({ buckets: _, tags: __, ...options }: AwsOptions): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

function tenantBuckets(
  query: URLSearchParams,
  options: AwsOptions,
  problems: string[],
): ReadonlyMap<string, BucketPlace> | undefined {
  const inUrl = [...query].flatMap(([key, value]) =>
    key.startsWith(bucketParameter) ? [[key.slice(bucketParameter.length), value] as const] : [],
  )
  const all = [...inUrl, ...Object.entries(options.buckets ?? {})]
  if (all.length === 0 && options.buckets === undefined) return undefined
  return new Map(all.map(([tenant, where]) => [tenant, placeOf(`the bucket of tenant '${tenant}'`, where, problems)]))
}

function placeOf(what: string, where: string, problems: string[]): BucketPlace {
  const slash = where.indexOf('/')
  const bucket = slash < 0 ? where : where.slice(0, slash)
  const path = slash < 0 ? '' : where.slice(slash + 1)
  if (E.isLeft(place.decode(where)))
    problems.push(`${what} names no bucket: '${bucket.slice(0, 80)}' is not ${place.name}`)
  if (/(^|\/)(\.{1,2}|)(\/|$)/.test(path.replace(/\/$/, '')) && path !== '')
    problems.push(`${what} has a prefix with an empty segment, '.' or '..'`)
  return { bucket, prefix: path === '' || path.endsWith('/') ? path : `${path}/` }
}

function problemOf(context: t.Context, value: unknown): string {
  const { key, type } = context.at(-1) as t.ContextEntry
  return `${urlName(key)} is not ${type.name}: '${String(value).slice(0, 80)}'`
}
