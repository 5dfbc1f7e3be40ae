/** The LMDB environment of the pointers: opening it, reading the newest state, and closing it durably. */
import fs from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { annalsError } from '../../domain/error.js'
import { keyEncoder } from './item-codec.js'
import { damageOf } from './lmdb-file.js'

export type Database = RootDatabase<unknown, string>

export interface Environment {
  readonly database: Database
  /** Throws if the folder was removed or replaced: LMDB would go on writing to a file without a name. */
  assertPresent(operation: string, key: string): void
  /** Closes after everything has reached the disk. */
  closeDurably(): Promise<void>
}

/** No sync: a crash of the process loses nothing, and after one of the machine the pointers are rebuilt (boot.ts). */
export function openEnvironment(folder: string): Environment {
  const file = join(folder, 'data.mdb')
  const database = openOrExplain(folder)
  const opened = fs.statSync(file)

  return {
    database,

    assertPresent: (operation, key) => {
      const now = fs.statSync(file, { throwIfNoEntry: false })
      if (now?.ino === opened.ino && now.dev === opened.dev) return
      const cause = 'the pointers folder was removed or replaced while the store was open; reopen the store'
      throw annalsError('Unavailable', { operation, key, cause })
    },

    closeDurably: async () => {
      await database.committed
      await database.close()
      for (const path of [file, folder]) syncPath(path)
    },
  }
}

function openOrExplain(folder: string): Database {
  const damage = damageOf(folder)
  if (damage !== undefined) {
    const problem = `the pointers cannot be read (${damage}): delete this folder, which holds nothing but pointers`
    throw annalsError('NeedsRecovery', { log: folder, problem })
  }
  const options = { noSync: true, overlappingSync: false, encoding: 'json', keyEncoder } as const
  return open<unknown, string>({ path: folder, ...options })
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function syncPath(path: string): void {
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
