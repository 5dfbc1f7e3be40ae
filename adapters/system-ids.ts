import { v7 } from 'uuid'
import type { Ids } from '../domain/ports/index.js'

/** UUIDs of version 7, which sort by time, and the runtime's chance. */
export const systemIds: Ids = { uuid: () => v7(), random: Math.random }
