/**
 * A secret as a file: AES-256-GCM under the folder's key, bound to the secret's name, so that no file can be put in the
 * place of another.
 *
 *     magic, 16 bytes · key's id, 8 · nonce, 12 · authentication tag, 16 · the value, encrypted
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { annalsError } from '../../domain/error.js'

export const keyBytes = 32

export interface SealingKey {
  readonly key: Uint8Array
  /** Tells keys apart, and nothing about them. */
  readonly id: Buffer
}

const algorithm = 'aes-256-gcm'
const magic = Buffer.from('annals-secret-1\n')
const idBytes = 8
// Random nonces of 96 bits are safe for 2^32 writes under one key.
const nonceBytes = 12
const tagBytes = 16
const headerBytes = magic.length + idBytes + nonceBytes + tagBytes

export const sealingKey = (key: Uint8Array): SealingKey => ({
  key,
  id: createHmac('sha256', key).update('annals-secrets-key-id').digest().subarray(0, idBytes),
})

export function seal({ key, id }: SealingKey, name: string, value: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(boundTo(id, name))
  const sealed = [cipher.update(value), cipher.final()]
  return Buffer.concat([magic, id, nonce, cipher.getAuthTag(), ...sealed])
}

export function unseal({ key, id }: SealingKey, name: string, file: Buffer): Uint8Array {
  if (file.length < headerBytes || !file.subarray(0, magic.length).equals(magic))
    damaged(name, 'this is no encrypted secret, or only a part of one')
  const [itsId, nonce, tag, sealed] = parts(file.subarray(magic.length)) as [Buffer, Buffer, Buffer, Buffer]
  if (!itsId.equals(id)) {
    const cause = 'it was encrypted with another key than the one in use: restore the key.json that belongs to it'
    throw annalsError('StorageRefused', { operation: 'get secret', key: name, cause })
  }
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(boundTo(id, name)).setAuthTag(tag)
  const value = decipher.update(sealed)
  try {
    // Nothing is handed out before the tag was checked.
    decipher.final()
    return Uint8Array.from(value)
  } catch {
    return damaged(name, 'it was changed, or belongs to another name')
  } finally {
    value.fill(0)
  }
}

const parts = (rest: Buffer): Buffer[] => {
  const ends = [idBytes, idBytes + nonceBytes, idBytes + nonceBytes + tagBytes, rest.length]
  return ends.map((end, i) => rest.subarray(ends[i - 1] ?? 0, end))
}

const boundTo = (id: Buffer, name: string): Buffer => Buffer.concat([magic, id, Buffer.from(name)])

function damaged(key: string, problem: string): never {
  throw annalsError('Corrupt', { key, problem })
}
