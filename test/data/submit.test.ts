/** Real data submitted over a state that was there, and taken back: the state is what it was, and the history holds all of it. */
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type Store, type Tenant } from '../../src/index.js'
import { exported } from '../export/place.js'
import { files, missing, resourcesOf, type SourceResource } from './sources.js'
import { historyOf } from './state.js'

if (missing !== undefined) console.log(missing)

const name = { submitter: 'hl7 and synthea', submission: 'all' }
/** Of so many resources of the data, one is there before, as one that says more, or as one that says the same, or is deleted. */
const step = 40

/** Bodies by `Type/id`, latin1, but for the version and the instant that the store has set. */
async function stateOf(tenant: Tenant): Promise<Map<string, string>> {
  const { resources } = await exported(tenant)
  return new Map([...resources].sort().map(([key, text]) => [key, unstamped(text)]))
}

const unstamped = (text: string): string =>
  text.replace(/"versionId":"\d+"/, '"versionId":""').replace(/"lastUpdated":"[^"]+"/, '"lastUpdated":""')

/** Every version that there is, in a line, the oldest first. */
async function historyLines(tenant: Tenant): Promise<string[]> {
  const found: string[] = []
  for await (const { type, id, version, at, op, body } of historyOf(tenant, {}))
    found.push(`${at} ${op} ${type}/${id} ${version} ${Buffer.from(body ?? []).toString()}`)
  return found.reverse()
}

describe.skipIf(missing !== undefined)(
  'all of the HL7 and Synthea examples, submitted (skipped if not at hand)',
  () => {
    const root = fs.mkdtempSync(join(os.tmpdir(), 'annals-submit-data-'))
    const sources: SourceResource[] = []
    let store: Store
    let tenant: Tenant
    let before: { readonly state: Map<string, string>; readonly history: string[] }

    beforeAll(async () => {
      const { common, others } = files()
      for (const path of [...common, ...others]) sources.push(...resourcesOf(path))
      store = await openStore(`file:${join(root, 'store')}`, { sources: { allowFiles: true } })
      tenant = await store.tenant('clinic')
      await fillBefore()
      before = { state: await stateOf(tenant), history: await historyLines(tenant) }
    })
    afterAll(async () => {
      await store.close()
      fs.rmSync(root, { recursive: true, force: true })
    })

    async function fillBefore(): Promise<void> {
      for (const [i, { type, id, text }] of sources.entries()) {
        if (i % step !== 0) continue
        const body = Buffer.from(text, 'latin1')
        if (i % (2 * step) === 0) await tenant.update(type, id, `{"resourceType":"${type}","id":"${id}","before":1.10}`)
        await tenant.update(type, id, body)
        if (i % (3 * step) === 0) await tenant.update(type, id, `{"resourceType":"${type}","id":"${id}","before":1.20}`)
        if (i % (5 * step) === 0) await tenant.delete(type, id)
      }
      await tenant.update('Basic', 'not-of-the-data', '{"resourceType":"Basic","value":1.10}')
      await tenant.update('Basic', 'to-be-deleted', '{"resourceType":"Basic","value":1.20}')
    }

    /** A manifest for each file of the data, and one of deletions. */
    async function submit(): Promise<void> {
      const { common, others } = files()
      for (const [i, path] of [...common, ...others].entries()) {
        // Newlines stand between tokens only: inside of a text they would be no JSON.
        const lines = resourcesOf(path).map(({ text }) => text.replace(/[\r\n]+/g, ' '))
        await add(`${i}.ndjson`, lines, {})
      }
      const request = { method: 'DELETE', url: 'Basic/to-be-deleted' }
      const deletion = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [{ request }] })
      await add('deletions.ndjson', [deletion], { kind: 'deletions' })
      await tenant.submissions.process(name)
      await tenant.submissions.complete(name)
    }

    async function add(file: string, lines: string[], more: { kind?: 'deletions' }): Promise<void> {
      const path = join(root, file)
      fs.writeFileSync(path, lines.map((line) => `${line}\n`).join(''), 'latin1')
      const files = [{ url: pathToFileURL(path).href, count: lines.length, ...more }]
      await tenant.submissions.add(name, { files })
    }

    test('are there, every one of them as it is published', async () => {
      await tenant.submissions.begin(name)
      await submit()
      const status = await tenant.submissions.status(name)
      expect(status?.manifests.map(({ state }) => state)).toEqual(status?.manifests.map(() => 'completed'))
      expect(status).toMatchObject({
        isEnded: true,
        counts: { lines: sources.length + 1, validationErrors: 0, processingErrors: 0, skipped: 0, deleted: 1 },
      })
      const { created = 0, updated = 0, unchanged = 0 } = status?.counts ?? {}
      expect(created + updated + unchanged).toBe(sources.length)
      expect(Math.min(created, updated, unchanged)).toBeGreaterThan(10)
      const state = await stateOf(tenant)
      expect(state.has('Basic/to-be-deleted')).toBe(false)
      expect(state.size).toBe(new Set(sources.map(({ type, id }) => `${type}/${id}`)).size + 1)
    })

    test('are taken back: the state is the one before, and the history only grew', async () => {
      const theirs = sources.filter((_, i) => i % 500 === 7)
      for (const { type, id } of theirs)
        await tenant.update(type, id, `{"resourceType":"${type}","id":"${id}","theirs":true}`, {
          actor: 'somebody else',
        })
      const submitted = await historyLines(tenant)
      const status = await tenant.submissions.abort(name)
      expect(status).toMatchObject({ state: 'stopped', undone: { conflicts: theirs.length } })

      const conflicts: string[] = []
      for await (const { type, id, version, actual } of tenant.submissions.conflicts(name)) {
        conflicts.push(`${type}/${id}`)
        expect(actual).toBe(version + 1)
      }
      const left = theirs.map(({ type, id }) => `${type}/${id}`)
      expect(conflicts.sort()).toEqual(left.sort())
      const state = await stateOf(tenant)
      for (const key of left) {
        expect(state.get(key)).toContain('"theirs":true')
        state.delete(key)
      }
      expect([...state]).toEqual([...before.state].filter(([key]) => !left.includes(key)))

      const history = await historyLines(tenant)
      expect(history.slice(0, submitted.length)).toEqual(submitted)
      expect(submitted.slice(0, before.history.length)).toEqual(before.history)
      const report = await store.verify('clinic', { deep: true })
      expect(report.differences).toBe(0)
    })
  },
)
