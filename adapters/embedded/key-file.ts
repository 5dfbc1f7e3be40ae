/**
 * The key of a folder of secrets. `key.json` holds the key itself, or the salt with which a passphrase becomes the key. It
 * is made once, whole, by an exclusive create, and never changed.
 */
import { randomBytes, scrypt } from 'node:crypto'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { annalsError } from '../../domain/error.js'
import { readPrivate } from './private-files.js'
import { keyBytes, type SealingKey, sealingKey } from './sealed-file.js'
import { unless } from './storage-error.js'

export const keyFileName = 'key.json'

const format = 'annals-secrets-1'
const saltBytes = 16

/** 128 MiB and some tenths of a second, once for each opening: what a guess costs too. */
const cost = { N: 2 ** 17, r: 8, p: 1 }
/** A key file that asks for more is not ours. */
const maxScryptMemory = 256 * 1024 * 1024

const KeyFile = t.union([
  t.type({ format: t.literal(format), key: t.string }),
  t.type({
    format: t.literal(format),
    scrypt: t.type({ salt: t.string, N: t.number, r: t.number, p: t.literal(1) }),
    /** Of the key that comes of the right passphrase. */
    keyId: t.string,
  }),
])
type KeyFile = t.TypeOf<typeof KeyFile>

export interface KeyPlace {
  readonly root: string
  /** Makes a file durably and whole, unless it is there. */
  createOnce(path: string, bytes: Uint8Array): Promise<void>
  /** Whether secrets were stored, which a new key could not read. */
  holdsSecrets(): boolean
}

/** The folder's key; made if there is none and nothing is encrypted yet. */
export async function openKey(place: KeyPlace, passphrase: string | undefined): Promise<SealingKey> {
  if (passphrase === '') refuse('it is empty')
  const path = join(place.root, keyFileName)
  if (readKeyFile(place.root) === undefined) {
    const holdsSecrets = place.holdsSecrets()
    // Looked for once more: another process may have made the key and stored a secret in between.
    if (holdsSecrets && readKeyFile(place.root) === undefined)
      throw annalsError('StorageRefused', {
        operation: 'open secrets',
        key: path,
        cause: 'it is missing, and the secrets here cannot be read without it: restore it from a backup',
      })
    if (!holdsSecrets) await place.createOnce(path, Buffer.from(JSON.stringify(await newKeyFile(passphrase))))
  }
  return keyOf(readKeyFile(place.root) as KeyFile, passphrase)
}

async function newKeyFile(passphrase: string | undefined): Promise<KeyFile> {
  if (passphrase === undefined) return { format, key: randomBytes(keyBytes).toString('base64') }
  const parameters = { salt: randomBytes(saltBytes).toString('base64'), ...cost, p: 1 as const }
  return { format, scrypt: parameters, keyId: (await derive(passphrase, parameters)).id.toString('hex') }
}

function readKeyFile(root: string): KeyFile | undefined {
  const path = join(root, keyFileName)
  const bytes = unless('ENOENT', () => readPrivate(path, 'open secrets', path), undefined)
  if (bytes === undefined) return undefined
  const decoded = KeyFile.decode(parse(bytes))
  if (E.isLeft(decoded)) return damaged(path)
  const file = decoded.right
  if ('key' in file && Buffer.from(file.key, 'base64').length !== keyBytes) return damaged(path)
  return file
}

/** What the parser says of a text quotes it, and this text may be a key. */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

async function keyOf(file: KeyFile, passphrase: string | undefined): Promise<SealingKey> {
  if ('key' in file) {
    if (passphrase !== undefined) refuse(`this folder was made without one: its key is in ${keyFileName}`)
    return sealingKey(Buffer.from(file.key, 'base64'))
  }
  if (passphrase === undefined) return refuse('this folder was made with one: give it as an option')
  const key = await derive(passphrase, file.scrypt)
  if (key.id.toString('hex') !== file.keyId) refuse('it is not the one that this folder was made with')
  return key
}

const derive = (passphrase: string, { salt, N, r, p }: { salt: string; N: number; r: number; p: number }) =>
  new Promise<SealingKey>((resolve, reject) => {
    const done = (error: Error | null, key: Buffer): void => (error === null ? resolve(sealingKey(key)) : reject(error))
    // The same passphrase may be typed composed on one machine and decomposed on another.
    const typed = passphrase.normalize('NFC')
    try {
      scrypt(typed, Buffer.from(salt, 'base64'), keyBytes, { N, r, p, maxmem: maxScryptMemory }, done)
    } catch {
      // Parameters that Node refuses are not ours.
      reject(damage(keyFileName))
    }
  })

const damage = (path: string) => annalsError('Corrupt', { key: path, problem: 'it is no key file' })

function damaged(path: string): never {
  throw damage(path)
}

function refuse(problem: string): never {
  throw annalsError('InvalidInput', { what: 'passphrase', problem })
}
