/** The published examples of FHIR R4, where they are at hand: a folder `shared` beside the checkout. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import { expect, test } from 'vitest'
import { numberTokens, planStamp, sameTokens, scanBody, stampedLength, stampInto } from '../../../domain/body/index.js'
import { numbersOf } from './oracle.js'

const file = fileURLToPath(new URL('../../../../shared/data/hl7-r4-examples.ndjson.gz', import.meta.url))
const isAbsent = !existsSync(file)
if (isAbsent) console.log(`skipped: the HL7 R4 examples are not at hand (${file})`)

test.skipIf(isAbsent)('The HL7 R4 examples keep every number when they are stamped (skipped if not at hand)', () => {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n').filter(Boolean)
  expect(lines.length).toBeGreaterThan(600)
  for (const line of lines) {
    const bytes = Buffer.from(line)
    const scanned = scanBody(bytes)
    if (E.isLeft(scanned)) throw scanned.left
    const parsed = JSON.parse(line) as Record<string, unknown>
    expect(scanned.right.resourceType?.text).toBe(parsed.resourceType)
    expect(scanned.right.id?.text).toBe(parsed.id)
    expect(numberTokens(bytes)).toEqual(numbersOf(line))

    const plan = planStamp(bytes, scanned.right)
    if (E.isLeft(plan)) throw plan.left
    const stamp = { id: 'new-id', versionId: '7', lastUpdated: '2026-11-22T10:15:30.123456Z' }
    const target = Buffer.alloc(stampedLength(plan.right, stamp))
    stampInto(plan.right, stamp, target, 0)
    expect(numberTokens(target)).toEqual(numbersOf(line))
    expect(sameTokens(bytes, target, { ignoreStamp: true })).toBe(true)
  }
})
