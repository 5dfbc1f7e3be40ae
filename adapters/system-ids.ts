import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'
import type { Ids } from '../domain/ports/index.js'

/** Random bytes are drawn for many UUIDs at once: one draw for each would cost more than the write it names. */
const pool = Buffer.allocUnsafe(16 * 256)
let used = pool.length

function random16(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += 16
  return pool.subarray(used - 16, used)
}

/** UUIDs of version 7, which sort by time, and the runtime's chance. */
export const systemIds: Ids = { uuid: () => v7({ random: random16() }), random: Math.random }
