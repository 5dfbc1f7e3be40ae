/**
 * The servers that the tests run against, each in one pinned version: how it is obtained once, and how it is started.
 * Nobody here wrote them, and each keeps some promises of AWS and breaks others.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withGo } from './go.js'
import type { Run } from './run.js'

export const serverNames = ['minio', 'dynamodb', 'moto', 's3rver'] as const
export type ServerName = (typeof serverNames)[number]

export interface Server {
  /** With its version: a new one is obtained beside the old one. */
  readonly release: string
  readonly about: string
  /** What the machine has to have; only for obtaining it, where the server needs nothing to run. */
  readonly needs?: {
    readonly command: string
    /** What shows that the command works. */
    readonly probe: ReadonlyArray<string>
    readonly install: string
    readonly onlyToObtain?: true
  }
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
/** The only ones that s3rver knows. */
export const s3rverCredentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
export const region = 'us-east-1'

const minio = {
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  // Of its sources. The versions of its dependencies stand in them, and Go checks these with its checksum database.
  sum: 'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=',
}
const dynamodb = {
  version: '2.9.30',
  sha512:
    'c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1',
}
/** These two are pinned by the lock files in their folders here, with the hash of everything that they need. */
const motoVersion = '5.2.5'
const s3rverVersion = '3.7.1'
const locked = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

export const catalog: Readonly<Record<ServerName, Server>> = {
  minio: {
    release: `minio-${minio.version}`,
    about: 'S3, with conditional writes',
    program: 'minio',
    needs: { command: 'go', probe: ['version'], install: 'Go, from https://go.dev/dl', onlyToObtain: true },
    obtain: (folder, run) =>
      withGo(folder, run, async (go, env) => {
        const module = `github.com/minio/minio@${minio.version}`
        await run(go, ['install', '-trimpath', '-ldflags', '-s -w', module], { env: { ...env, GOBIN: folder } })
        const built = await run(go, ['version', '-m', join(folder, 'minio')], { env })
        if (!built.includes(minio.sum)) throw new Error(`${module} is not the module that was pinned`)
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
    needs: { command: 'java', probe: ['-version'], install: 'a Java runtime of version 17 or newer' },
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
      rmSync(archive)
    },
    // It listens on every interface: no option says otherwise.
    command: (folder, port) => {
      const home = join(folder, 'package', 'emulator')
      const library = `-Djava.library.path=${join(home, 'DynamoDBLocal_lib')}`
      return {
        file: 'java',
        args: [
          '-Xmx512m',
          '-XX:TieredStopAtLevel=1',
          library,
          '-jar',
          join(home, 'DynamoDBLocal.jar'),
          '-disableTelemetry',
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
    program: join('bin', 'python'),
    needs: {
      command: 'python3',
      probe: ['-c', 'import sys, ensurepip; assert sys.version_info >= (3, 10)'],
      install: 'Python 3.10 or newer, with its venv module',
    },
    obtain: async (folder, run) => {
      await run('python3', ['-m', 'venv', folder])
      const lock = ['--require-hashes', '--requirement', locked('moto/requirements.txt')]
      await run(join(folder, 'bin', 'python'), [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        ...lock,
      ])
    },
    command: (folder, port) => ({
      // Not the script beside it: that one knows where it was installed, and is moved afterwards.
      file: join(folder, 'bin', 'python'),
      args: [locked('moto/serve.py'), `${port}`],
      env: { MOTO_EC2_LOAD_DEFAULT_AMIS: 'false' },
    }),
    health: '/moto-api/',
  },

  s3rver: {
    release: `s3rver-${s3rverVersion}`,
    about: 'S3 that ignores If-None-Match: no place for a store',
    program: join('node_modules', 's3rver', 'bin', 's3rver.js'),
    obtain: async (folder, run) => {
      for (const name of ['package.json', 'package-lock.json'])
        copyFileSync(locked(`s3rver/${name}`), join(folder, name))
      await run('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder })
    },
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
