/**
 * The folder of embedded secrets, private to its owner.
 *
 *     key.json    the key, or the salt of a passphrase
 *     accounts/   {tenant}/{name}: one encrypted file each
 *     tmp/        files that are being written
 */
import fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { annalsError } from '../../domain/error.js'
import type { Disk } from './disk.js'
import { syncFolder } from './folder.js'
import { keyFileName } from './key-file.js'
import { assertPrivate } from './private-files.js'
import { unless } from './storage-error.js'
import { sweepTempFiles } from './temp-files.js'

export interface SecretsFolder {
  readonly root: string
  readonly accounts: string
  readonly tmp: string
}

const ownNames: ReadonlySet<string> = new Set([keyFileName, 'accounts', 'tmp', 'lost+found'])

export function openSecretsFolder(path: string, disk: Disk): SecretsFolder {
  const root = resolve(path)
  if (!fs.existsSync(root)) makeDurably(root, disk)
  const stats = fs.statSync(root)
  if (!stats.isDirectory()) notOurs(root, 'it is a file; name a folder')
  assertPrivate(root, stats, 'open secrets', root)
  const foreign = fs.readdirSync(root).find((name) => !ownNames.has(name))
  if (foreign !== undefined) notOurs(root, `it holds other files (${foreign}); name a folder of its own for secrets`)
  const [accounts, tmp] = [join(root, 'accounts'), join(root, 'tmp')]
  for (const folder of [accounts, tmp]) unless('EEXIST', () => disk.mkdir(folder), undefined)
  syncFolder(root)
  sweepTempFiles(tmp)
  return { root, accounts, tmp }
}

/** Folders above are made as everybody's are; the last one is private. */
function makeDurably(root: string, disk: Disk): void {
  const parent = dirname(root)
  if (!fs.existsSync(parent)) makeDurably(parent, disk)
  unless('EEXIST', () => disk.mkdir(root), undefined)
  syncFolder(parent)
}

export const holdsSecrets = ({ accounts }: SecretsFolder): boolean =>
  fs.readdirSync(accounts).some((tenant) => fs.readdirSync(join(accounts, tenant)).length > 0)

function notOurs(url: string, problem: string): never {
  throw annalsError('InvalidInput', { what: `folder of secrets ${url}`, problem })
}
