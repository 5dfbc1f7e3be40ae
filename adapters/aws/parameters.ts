/** The parameters of a store on AWS, each with what it has to look like. */
import * as t from 'io-ts'

/** A setting as text: what it has to look like is the codec's name, for messages. */
const text = (name: string, pattern: RegExp): t.Type<string> =>
  new t.Type(
    name,
    t.string.is,
    (u, context) => (typeof u === 'string' && pattern.test(u) ? t.success(u) : t.failure(u, context)),
    t.identity,
  )

const flag = new t.Type<boolean, string, unknown>(
  "'true' or 'false'",
  t.boolean.is,
  (u, context) =>
    u === true || u === 'true'
      ? t.success(true)
      : u === false || u === 'false'
        ? t.success(false)
        : t.failure(u, context),
  String,
)

const wholeNumber = new t.Type<number, string, unknown>(
  'a whole number from 1',
  t.number.is,
  (u, context) => {
    const value = typeof u === 'string' && /^\d+$/.test(u) ? Number(u) : u
    return Number.isSafeInteger(value) && (value as number) >= 1 ? t.success(value as number) : t.failure(u, context)
  },
  String,
)

const httpUrl = text('a URL such as http://localhost:9000', /^https?:\/\/[^\s/?#@]+\/?$/)
const choice = (...names: ReadonlyArray<string>): t.Type<string> =>
  text(`one of ${names.join(', ')}`, new RegExp(`^(${names.map((name) => name.replace('.', '\\.')).join('|')})$`))

/** The bucket and, after a slash, the prefix of all keys. */
export const place = text(
  'a bucket name of 3 to 63 lower-case letters, digits, dots and hyphens, and perhaps a prefix after a slash',
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/,
)

const parameters = {
  /** The DynamoDB table. */
  table: text('a table name of 3 to 255 letters, digits, dots, hyphens and underscores', /^[A-Za-z0-9_.-]{3,255}$/),
  region: text('a region such as eu-central-1', /^[a-z0-9-]{1,64}$/),
  /** A server other than AWS, for S3 and DynamoDB both, or for one of them. */
  endpoint: httpUrl,
  s3Endpoint: httpUrl,
  dynamodbEndpoint: httpUrl,
  /** `http://host/bucket/key` in place of `http://bucket.host/key` (default: with an endpoint of one's own). */
  pathStyle: flag,
  /** Creates the table where there is none (default: no). The bucket is never created. */
  autoCreate: flag,
  /** Whether to listen to the table's stream (default: yes); without it, followers look at the head now and then. */
  stream: flag,
  maxAttempts: wholeNumber,
  /** From a request to the beginning of its answer, in milliseconds. */
  requestTimeout: wholeNumber,
  /** Encryption at rest, in place of the bucket's own default. */
  encryption: choice('AES256', 'aws:kms', 'aws:kms:dsse'),
  kmsKey: text('the id, alias or ARN of a KMS key', /^[A-Za-z0-9:/_-]{1,2048}$/),
  storageClass: text('a storage class such as STANDARD_IA', /^[A-Z_]{3,40}$/),
  /** Object Lock for commits and large bodies: how, and for how many days. The bucket must have Object Lock. */
  lockMode: choice('GOVERNANCE', 'COMPLIANCE'),
  lockDays: wholeNumber,
  /** The account that owns the bucket: any other bucket of this name is refused. */
  bucketOwner: text('an account number of 12 digits', /^\d{12}$/),
}

export const Parameters = t.partial(parameters)
export type Parameters = t.TypeOf<typeof Parameters>
export type ParameterName = keyof Parameters

export const parameterNames = Object.keys(parameters) as ParameterName[]
