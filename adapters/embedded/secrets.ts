/**
 * Secrets in a folder of this machine, one encrypted file each, shared by any number of processes.
 *
 * A value is written whole to a file of its own, synced, and renamed to its place: whatever happens on the way, a reader
 * finds the old value or the new one.
 */
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { decodeSegment } from '../../domain/keys.js'
import type { Secrets } from '../../domain/ports/index.js'
import { attempt } from '../../domain/task.js'
import { checkSecret, secretFolder, secretKey } from '../secret-rules.js'
import { compareUtf8 } from '../utf8-order.js'
import type { Disk } from './disk.js'
import { openKey } from './key-file.js'
import { privateDisk, readPrivate } from './private-files.js'
import { type SealingKey, seal, unseal } from './sealed-file.js'
import { holdsSecrets, openSecretsFolder, type SecretsFolder } from './secrets-folder.js'
import { type Call, storageError, unless } from './storage-error.js'
import { makeTempFiles, type TempFiles } from './temp-files.js'

export interface EmbeddedSecretsOptions {
  /** The key is derived from it; without one, it is kept in the folder. */
  readonly passphrase?: string
  /** For tests: the calls that write. */
  readonly disk?: Disk
}

export const embeddedSecrets = (path: string, options: EmbeddedSecretsOptions = {}): TaskEither<AnnalsError, Secrets> =>
  step(
    'open secrets',
    () => path,
    async () => {
      const { passphrase, disk = privateDisk } = options
      const folder = openSecretsFolder(path, disk)
      const temps = makeTempFiles(folder.tmp, disk)
      const place = {
        root: folder.root,
        holdsSecrets: () => holdsSecrets(folder),
        createOnce: (file: string, bytes: Uint8Array) => createOnce(disk, temps, file, bytes),
      }
      return secretsIn(folder, disk, temps, await openKey(place, passphrase))
    },
  )

function secretsIn(folder: SecretsFolder, disk: Disk, temps: TempFiles, key: SealingKey): Secrets {
  const fileOf = (name: string): string => join(folder.root, name)

  /** A folder that was removed under us is an error, never "no such secret". */
  const assertPresent = ({ operation, key }: Call): void => {
    if (fs.existsSync(folder.accounts)) return
    const cause = `the folder ${folder.root} was removed while it was in use; open it again`
    throw annalsError('Unavailable', { operation, key, cause })
  }

  async function put(call: Call, bytes: Uint8Array): Promise<void> {
    const path = fileOf(call.key)
    assertPresent(call)
    unless('EEXIST', () => disk.mkdir(dirname(path)), undefined)
    // Also if the tenant's folder was there: another process may have made it and not come to syncing it.
    await syncAt(disk, folder.accounts)
    const temp = await temps.write(seal(key, call.key, bytes))
    try {
      disk.rename(temp.path, path)
    } catch (error) {
      temps.discard(temp.path)
      throw error
    } finally {
      disk.close(temp.fd)
    }
    call.applied = true
    await syncAt(disk, dirname(path))
  }

  async function remove(call: Call): Promise<void> {
    const path = fileOf(call.key)
    assertPresent(call)
    unless('ENOENT', () => disk.unlink(path), undefined)
    call.applied = true
    // Also if another process has just deleted it: absent has to mean gone for good.
    if (fs.existsSync(dirname(path))) await syncAt(disk, dirname(path))
  }

  return {
    get: (name) =>
      step(
        'get secret',
        () => secretKey(name),
        async (call) => {
          const file = unless('ENOENT', () => readPrivate(fileOf(call.key), call.operation, call.key), undefined)
          if (file !== undefined) return unseal(key, call.key, file)
          assertPresent(call)
          return undefined
        },
      ),

    put: (name, bytes) =>
      step(
        'put secret',
        () => secretKey(name),
        async (call) => {
          checkSecret(call.key, bytes)
          await put(call, bytes)
        },
      ),

    delete: (name) => step('delete secret', () => secretKey(name), remove),

    list: (tenant) =>
      step(
        'list secrets',
        () => secretFolder(tenant),
        async (call) => {
          assertPresent(call)
          const found = unless('ENOENT', () => fs.readdirSync(fileOf(call.key)), [])
          return found.map(decodeSegment).sort(compareUtf8)
        },
      ),
  }
}

/** By a link, which the whole file gets and only if its name is free. */
async function createOnce(disk: Disk, temps: TempFiles, path: string, bytes: Uint8Array): Promise<void> {
  const temp = await temps.write(bytes)
  try {
    unless('EEXIST', () => disk.link(temp.path, path), undefined)
    await syncAt(disk, dirname(path))
  } finally {
    disk.close(temp.fd)
    temps.discard(temp.path)
  }
}

async function syncAt(disk: Disk, path: string): Promise<void> {
  const fd = disk.open(path, 'r')
  try {
    await disk.fsync(fd)
  } finally {
    disk.close(fd)
  }
}

function step<A>(operation: string, keyOf: () => string, body: (call: Call) => Promise<A>): TaskEither<AnnalsError, A> {
  return attempt(async () => {
    const call: Call = { operation, key: keyOf(), applied: false }
    try {
      return await body(call)
    } catch (error) {
      throw storageError(error, call)
    }
  })
}
