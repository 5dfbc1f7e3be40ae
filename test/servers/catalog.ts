/**
 * The servers that the tests run against, each in one pinned version: how it is obtained once, and how it is started.
 * Nobody here wrote them, and each keeps some promises of AWS and breaks others.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Run, tool } from './run.js'

export const serverNames = ['minio', 'dynamodb', 'moto', 's3rver'] as const
export type ServerName = (typeof serverNames)[number]

export interface Server {
  /** With its version: a new one is obtained beside the old one. */
  readonly release: string
  readonly about: string
  /** What the machine has to have. */
  readonly needs: ReadonlyArray<{ readonly command: string; readonly install: string }>
  /** Fills the folder. Takes minutes the first time. */
  obtain(folder: string, run: Run): Promise<void>
  /** The file in the folder that is there once all of it is. */
  readonly program: string
  /** What to run for a server at `port` of the loopback interface that keeps its data in `data`. */
  command(folder: string, port: number, data: string): Command
  /** A path that answers below 500 as soon as the server serves. */
  readonly health: string
}

export interface Command {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

export const credentials = { accessKeyId: 'annals', secretAccessKey: 'annals-local' }
export const region = 'us-east-1'

const minioVersion = 'v0.0.0-20260212201848-7aac2a2c5b7c'
const motoVersion = '5.2.5'
const s3rverVersion = '3.7.1'
const dynamodb = {
  version: '2.9.30',
  sha512:
    'c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1',
}

export const catalog: Readonly<Record<ServerName, Server>> = {
  minio: {
    release: `minio-${minioVersion}`,
    about: 'S3, with conditional writes',
    program: 'minio',
    needs: [{ command: 'go', install: 'Go 1.24 or newer, from https://go.dev/dl' }],
    obtain: (folder, run) =>
      run('go', ['install', '-trimpath', '-ldflags', '-s -w', `github.com/minio/minio@${minioVersion}`], {
        env: { GOBIN: folder, GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'auto' },
      }),
    command: (folder, port, data) => ({
      file: join(folder, 'minio'),
      args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', '127.0.0.1:0', data],
      env: {
        MINIO_ROOT_USER: credentials.accessKeyId,
        MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    }),
    health: '/minio/health/ready',
  },

  dynamodb: {
    release: `dynamodb-local-${dynamodb.version}`,
    about: 'DynamoDB and its streams, by AWS; never a conflict of transactions, never a throttle',
    program: join('package', 'emulator', 'DynamoDBLocal.jar'),
    needs: [{ command: 'java', install: 'a Java runtime of version 17 or newer' }],
    // The package of a development tool by AWS that brings the server along.
    obtain: async (folder, run) => {
      await run('npm', [
        'pack',
        '--silent',
        `amplify-dynamodb-simulator@${dynamodb.version}`,
        '--pack-destination',
        folder,
      ])
      const archive = join(folder, `amplify-dynamodb-simulator-${dynamodb.version}.tgz`)
      if (createHash('sha512').update(readFileSync(archive)).digest('hex') !== dynamodb.sha512)
        throw new Error(`${archive} is not the archive that was pinned`)
      await run('tar', ['-xzf', archive, '-C', folder, 'package/emulator'])
    },
    command: (folder, port) => {
      const home = join(folder, 'package', 'emulator')
      const library = `-Djava.library.path=${join(home, 'DynamoDBLocal_lib')}`
      return {
        file: tool('java'),
        args: [
          '-Xmx512m',
          '-XX:TieredStopAtLevel=1',
          library,
          '-jar',
          join(home, 'DynamoDBLocal.jar'),
          '-inMemory',
          '-sharedDb',
          '-port',
          `${port}`,
        ],
      }
    },
    health: '/',
  },

  moto: {
    release: `moto-${motoVersion}`,
    about: 'S3, DynamoDB, its streams and Secrets Manager in one',
    program: join('bin', 'moto_server'),
    needs: [{ command: 'python3', install: 'Python 3.9 or newer, with its venv module' }],
    obtain: async (folder, run) => {
      await run('python3', ['-m', 'venv', folder])
      const wanted = `moto[server,s3,dynamodb,dynamodbstreams,secretsmanager]==${motoVersion}`
      await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', wanted])
    },
    command: (folder, port) => ({
      file: join(folder, 'bin', 'moto_server'),
      args: ['-H', '127.0.0.1', '-p', `${port}`],
      env: { MOTO_EC2_LOAD_DEFAULT_AMIS: 'false' },
    }),
    health: '/moto-api/',
  },

  s3rver: {
    release: `s3rver-${s3rverVersion}`,
    about: 'S3 that ignores If-None-Match: no place for a store',
    program: join('node_modules', 's3rver', 'bin', 's3rver.js'),
    needs: [],
    obtain: (folder, run) =>
      run('npm', [
        'install',
        '--silent',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--prefix',
        folder,
        `s3rver@${s3rverVersion}`,
      ]),
    command: (folder, port, data) => ({
      file: process.execPath,
      args: [
        join(folder, 'node_modules', 's3rver', 'bin', 's3rver.js'),
        ...['--silent', '--address', '127.0.0.1', '--port', `${port}`, '--directory', data],
        ...['--no-vhost-buckets', '--configure-bucket', 'annals'],
      ],
    }),
    health: '/',
  },
}
