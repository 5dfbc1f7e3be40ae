/** Real data through the real program, at any place: the examples of HL7 FHIR R4, and Synthea's bundles. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { numberTokens } from '../../domain/body/index.js'
import { openStore, type ResourceVersion, type Store, type Tenant } from '../../src/index.js'
import { annals as program } from '../program.js'
import { files, missing, resourcesOf, type SourceResource } from './sources.js'
import { comparable } from './stamp.js'
import { historyOf, stateOf } from './state.js'

export interface DataPlace {
  readonly url: string
  /** Lets all pointers disappear. Nobody has the store open. */
  losePointers(): Promise<unknown>
  end(): Promise<unknown>
}

/** About so many resources are changed before the pointers are lost, and half of them deleted. */
const changed = 80

const keyOf = ({ type, id }: { type: string; id: string }): string => `${type}/${id}`
const latin1 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1')

function differenceOf(given: string, stored: string): string {
  const at = [...given].findIndex((char, i) => char !== stored[i])
  return `'${given.slice(at - 40, at + 40)}' was stored as '${stored.slice(at - 40, at + 40)}'`
}

/**
 * The suite. `makePlace` is called once, before the first test. `every`: of so many resources one is read by itself, where a
 * read takes its time; histories and the log show all of them anyway.
 */
export function describeRealData(title: string, makePlace: () => Promise<DataPlace>, every = 1): void {
  if (missing !== undefined) console.log(missing)
  describe.skipIf(missing !== undefined)(title, () => realData(makePlace, every))
}

function realData(makePlace: () => Promise<DataPlace>, every: number): void {
  let place: DataPlace
  function annals(...args: ReadonlyArray<string>): { code: number | null; stdout: Buffer; stderr: string } {
    const argv = [program(), ...args, '--store', place.url, '--tenant', 'clinic']
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { maxBuffer: 64 * 1024 * 1024 })
    return { code: status, stdout, stderr: stderr.toString() }
  }

  function load(paths: ReadonlyArray<string>): { created: number; updated: number; unchanged: number; failed: number } {
    const { code, stdout, stderr } = annals('load', ...paths, '--json')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout.toString())
  }

  const sources = new Map<string, SourceResource>()
  const some = (): SourceResource[] => [...sources.values()].filter((_, i) => i % every === 0)
  let open: { store: Store; tenant: Tenant } | undefined

  async function opened(): Promise<Tenant> {
    if (open === undefined) {
      const store = await openStore(place.url, { create: false })
      open = { store, tenant: await store.tenant('clinic') }
    }
    return open.tenant
  }

  async function closed(): Promise<void> {
    await open?.store.close()
    open = undefined
  }

  /** Every number as published, and every other byte but the stamp's. */
  function checkBody(
    version: Pick<ResourceVersion, 'type' | 'id' | 'version' | 'at'>,
    body: Uint8Array | undefined,
  ): void {
    const source = sources.get(keyOf(version))
    const where = `${keyOf(version)} version ${version.version}`
    assert.ok(source !== undefined && body !== undefined, where)
    assert.deepEqual(numberTokens(body), numberTokens(Buffer.from(source.text, 'latin1')), where)
    const stamp = { versionId: String(version.version), lastUpdated: version.at }
    const { given, stored } = comparable(source.text, latin1(body), stamp)
    assert.ok(given === stored, `${where}: ${differenceOf(given, stored)}`)
  }

  beforeAll(async () => {
    place = await makePlace()
    const { common, others } = files()
    for (const path of [...common, ...others])
      for (const resource of resourcesOf(path)) sources.set(keyOf(resource), resource)
  })

  afterAll(async () => {
    await closed()
    await place.end()
  })

  test('is loaded by the program, every resource once', () => {
    const { common, others } = files()
    const first = load(common)
    const second = load(others)
    assert.deepEqual([first.failed, second.failed], [0, 0])
    assert.equal(first.created + second.created, sources.size)
    assert.equal(first.updated + second.updated, 0)
  })

  test('changes nothing when it is loaded again', () => {
    const { common, others } = files()
    const again = load([...common, ...others])
    assert.deepEqual([again.created, again.updated, again.failed], [0, 0, 0])
    assert.ok(again.unchanged >= sources.size)
  })

  test('comes back byte for byte, but for the stamp, from reads', async () => {
    const tenant = await opened()
    let numbers = 0
    for (const source of some()) {
      const version = await tenant.read(source.type, source.id)
      assert.ok(version !== undefined, keyOf(source))
      checkBody(version, version.body)
      numbers += numberTokens(version.body ?? Buffer.of()).filter((text) => String(Number(text)) !== text).length
    }
    // Numbers that a JSON parser would have changed.
    assert.ok(numbers > (every === 1 ? 500 : 0), `${numbers}`)
  })

  test('comes back byte for byte from the history and from the log', async () => {
    const tenant = await opened()
    let entries = 0
    for await (const version of historyOf(tenant, {})) {
      checkBody(version, version.body)
      entries++
    }
    let events = 0
    for await (const { transactions } of tenant.commits())
      for (const event of transactions.flatMap((transaction) => transaction.events)) {
        checkBody(event, event.body)
        events++
      }
    assert.deepEqual([entries, events], [sources.size, sources.size])
  })

  test('comes back byte for byte from an export, every resource once', async () => {
    const tenant = await opened()
    const job = await tenant.export()
    const { parts } = await job.done()
    const seen = new Set<string>()
    for (const { name } of parts) {
      const text = Buffer.from(await tenant.exports.read(job.id, name)).toString('latin1')
      for (const line of text.split('\n').slice(0, -1)) {
        const { resourceType: type, id, meta } = JSON.parse(Buffer.from(line, 'latin1').toString())
        const version = { type, id, version: Number(meta.versionId), at: meta.lastUpdated }
        checkBody(version, Buffer.from(line, 'latin1'))
        seen.add(keyOf({ type, id }))
      }
    }
    assert.deepEqual([...seen].sort(), [...sources.keys()].sort())
    await job.cancel()
  })

  test('is printed byte for byte by the program', async () => {
    const tenant = await opened()
    const all = [...sources.values()]
    for (const source of [all[0], all.at(-1)] as SourceResource[]) {
      const { code, stdout, stderr } = annals('get', keyOf(source))
      assert.equal(code, 0, stderr)
      const version = (await tenant.read(source.type, source.id)) as ResourceVersion
      assert.equal(stdout.equals(version.body as Uint8Array), true)
      checkBody(version, stdout)
    }
  })

  test('is verified by the program', async () => {
    await closed()
    const verified = annals('verify', '--json')
    assert.equal(verified.code, 0, verified.stderr)
    assert.equal(JSON.parse(verified.stdout.toString()).report.differences, 0)
  })

  test('is all there again when its pointers were deleted and recovered', async () => {
    const tenant = await opened()
    const refs = some()
    const step = Math.ceil(refs.length / changed)
    for (const [i, { type, id, text }] of refs.entries()) {
      if (i % step === 0) await tenant.update(type, id, Buffer.from(text, 'latin1'), { actor: 'test', reason: 'again' })
      if (i % (2 * step) === 0) await tenant.delete(type, id)
    }
    const before = await stateOf(tenant, refs)
    if (every === 1) assert.equal(before.system.length, before.types.length)
    if (every === 1) assert.equal(before.system.length, before.instances.length)
    assert.ok(before.instances.length > refs.length + changed)
    await closed()
    await place.losePointers()
    await assert.rejects(opened(), { _tag: 'NeedsRecovery' })
    const refused = annals('get', keyOf(refs[0] as SourceResource))
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /annals recover/)

    const recovered = annals('recover')
    assert.equal(recovered.code, 0, recovered.stderr)
    const verified = annals('verify', '--json')
    assert.equal(verified.code, 0, verified.stderr)
    assert.equal(JSON.parse(verified.stdout.toString()).report.differences, 0)
    assert.deepEqual(await stateOf(await opened(), refs), before)
  })
}
