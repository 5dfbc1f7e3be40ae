/** Where a store lives on AWS: URL, options and environment, and one message for everything that is wrong. */
import { describe, expect, test } from 'vitest'
import { type AwsOptions, awsSettings } from '../../../adapters/aws/settings.js'

const read = (url: string, options: AwsOptions = {}, env: Record<string, string> = {}) => {
  const decoded = awsSettings(url, options, env)
  if (decoded._tag === 'Left') throw decoded.left
  return decoded.right
}

const problemOf = (url: string, options: AwsOptions = {}, env: Record<string, string> = {}): string => {
  const decoded = awsSettings(url, options, env)
  if (decoded._tag === 'Right') throw new Error('it was accepted')
  return decoded.left.message
}

describe('a store URL', () => {
  test('names bucket, prefix and table', () => {
    expect(read('s3://records?table=annals')).toMatchObject({ bucket: 'records', prefix: '', table: 'annals' })
    expect(read('s3://records/a/B%20c?table=annals')).toMatchObject({ bucket: 'records', prefix: 'a/B%20c/' })
    expect(read('s3://records/a/?table=annals')).toMatchObject({ prefix: 'a/' })
  })

  test('takes every parameter in the type that it has', () => {
    expect(
      read(
        's3://records?table=annals&region=eu-central-1&endpoint=http://localhost:9000&dynamodb-endpoint=http://localhost:8000' +
          '&path-style=false&auto-create=true&max-attempts=7&encryption=aws:kms&kms-key=alias/annals&lock-mode=COMPLIANCE&lock-days=30',
      ),
    ).toMatchObject({
      region: 'eu-central-1',
      endpoint: 'http://localhost:9000',
      dynamodbEndpoint: 'http://localhost:8000',
      pathStyle: false,
      autoCreate: true,
      maxAttempts: 7,
      encryption: 'aws:kms',
      kmsKey: 'alias/annals',
      lockMode: 'COMPLIANCE',
      lockDays: 30,
    })
  })

  test('gives way to the options, and the environment gives way to it', () => {
    const env = { ANNALS_AWS_TABLE: 'of-env', ANNALS_AWS_REGION: 'eu-west-1', ANNALS_AWS_S3_ENDPOINT: 'http://env:1' }
    expect(read('s3://records', {}, env)).toMatchObject({ table: 'of-env', s3Endpoint: 'http://env:1' })
    expect(read('s3://records?table=of-url', {}, env)).toMatchObject({ table: 'of-url', region: 'eu-west-1' })
    expect(read('s3://records?table=of-url', { table: 'of-options' }, env)).toMatchObject({ table: 'of-options' })
    expect(read('s3://records?table=of-url', { table: undefined }, env)).toMatchObject({ table: 'of-url' })
  })

  test('may give tenants buckets of their own', () => {
    const { buckets } = read('s3://records?table=annals&bucket.acme=acme-bucket/x', {
      buckets: { beta: 'beta-bucket' },
    })
    expect([...(buckets ?? [])]).toEqual([
      ['acme', { bucket: 'acme-bucket', prefix: 'x/' }],
      ['beta', { bucket: 'beta-bucket', prefix: '' }],
    ])
    expect(read('s3://records?table=annals').buckets).toBeUndefined()
  })

  test('is refused with everything that is wrong in one message', () => {
    const problem = problemOf('s3://Bad_Bucket//x?region=EU&endpoint=localhost&auto-create=yes&max-attempts=0&tabel=t')
    for (const part of [
      "'Bad_Bucket' is not a bucket name",
      'empty segment',
      "region is not a region such as eu-central-1: 'EU'",
      "endpoint is not a URL such as http://localhost:9000: 'localhost'",
      "auto-create is not 'true' or 'false': 'yes'",
      "max-attempts is not a whole number from 1: '0'",
      "there is no parameter 'tabel'",
      'table is missing',
    ])
      expect(problem).toContain(part)
  })

  test.each([
    ['s3://records?table=ab&table=cd', 'table is given twice'],
    ['s3://records?table=annals&lock-days=3', 'lock-mode and lock-days are given together'],
    ['s3://records?table=annals&kms-key=k', 'kms-key needs encryption=aws:kms'],
    ['s3://records?table=annals&bucket.acme=No', "the bucket of tenant 'acme' names no bucket"],
    ['s3://records/../x?table=annals', "'.' or '..'"],
    ['s3://?table=annals', 'names no bucket'],
  ])('%s is refused: %s', (url, problem) => {
    expect(problemOf(url)).toContain(problem)
  })

  test('holds no credentials, and a message does not repeat them', () => {
    const problem = problemOf('s3://AKIA:hunter2@records?table=annals')
    expect(problem).toContain('holds no credentials')
    expect(problem).not.toContain('hunter2')
  })
})
