/** The Synthea bundles over HTTP: sent as transactions, and read back with every number as it was sent. */
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { numberTokens } from '../../domain/body/index.js'
import { running } from '../http/server.js'

const folder = fileURLToPath(new URL('../../../shared/data/synthea/', import.meta.url))
const isAtHand = fs.existsSync(folder)
// Hospitals and practitioners first: the patients refer to them by conditions.
const files = isAtHand ? fs.readdirSync(folder).sort() : []

if (!isAtHand) console.log('the Synthea bundles are not at hand: their suite over HTTP is skipped')

const numbersIn = (bytes: Uint8Array): string[] => [...numberTokens(bytes)].sort()

test.skipIf(!isAtHand)(
  'are written as they are, and read back exactly',
  async () => {
    const { ask, base } = await running()
    const sorted = [
      ...files.filter((name) => /hospital|practitioner/i.test(name)),
      ...files.filter((name) => !/hospital|practitioner/i.test(name)),
    ]
    let resources = 0
    for (const name of sorted) {
      const raw = fs.readFileSync(`${folder}${name}`)
      const bytes = name.endsWith('.gz') ? gunzipSync(raw) : raw
      const answer = await ask('POST', '', { body: bytes.toString() })
      expect(answer.status, `${name}: ${answer.text.slice(0, 300)}`).toBe(200)
      const locations: string[] = answer.body.entry.map(
        ({ response }: { response: { location: string } }) => response.location,
      )
      const back = await Promise.all(locations.map(async (location) => (await fetch(`${base}/${location}`)).text()))
      resources += back.length
      expect(numbersIn(Buffer.from(`[${back.join(',')}]`)), name).toEqual(numbersIn(bytes))
    }
    expect(resources).toBeGreaterThan(7_000)
  },
  120_000,
)
