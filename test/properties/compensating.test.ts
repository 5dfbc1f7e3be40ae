/** Transactions and what takes them back: in memory with faults at every write, and on a folder. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { openStore } from '../../src/open.js'
import { logs, makeWorld } from '../protocol/world.js'
import { type Place, type Tale, testCompensating } from './compensating.js'

async function inMemory({ faults }: Tale): Promise<Place> {
  const { tenant, blobs, pointers } = await makeWorld().enter()
  return {
    tenant,
    disturb: () => {
      for (const { kind, at } of faults) {
        const [script, method, key] = (
          [
            [blobs, 'createIfAbsent', logs],
            [pointers, 'putAll', /./],
            [pointers, 'advance', /./],
          ] as const
        )[at] as readonly [typeof blobs, string, RegExp]
        if (kind === 'fail') script.on(method, key).fail()
        else script.on(method, key).loseAnswer()
      }
    },
    end: async () => undefined,
  }
}

async function onFolder(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'annals-compensating-'))
  const store = await openStore(`file:${folder}`)
  const end = async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { tenant: await store.tenant('t', { kind: 'json' }), disturb: () => undefined, end }
}

describe('in memory, with faults', () => testCompensating(inMemory, 100))
describe('on a folder', () => testCompensating(onFolder, 10))
