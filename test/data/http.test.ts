/**
 * Real data over HTTP: Synthea as it is, hospitals and practitioners first, the examples of HL7 by updates and as a batch. All of
 * it is read back by reads, versions and histories, with every number as it was sent.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Running, running } from '../http/server.js'
import { files, missing, resourcesIn, resourcesOf, type SourceResource, textOf } from './sources.js'
import { comparable } from './stamp.js'

if (missing !== undefined) console.log(`real data over HTTP is ${missing}`)

interface Sent {
  readonly source: SourceResource
  readonly numbers: string
  /** What may have been set in it: the stamp, and in Synthea the ids and the links among its entries. */
  readonly isRewritten: boolean
}

describe.skipIf(missing !== undefined)('real data over HTTP', () => {
  const { common, others } = missing === undefined ? files() : { common: [], others: [] }
  const isSynthea = (path: string): boolean => path.endsWith('.json.gz')
  let server: Running
  /** By its place in the store, such as `Patient/ada`. */
  const sent = new Map<string, Sent>()

  beforeAll(async () => {
    server = await running()
  })

  test('of Synthea is taken whole, as transactions and batches', async () => {
    for (const path of [...common, ...others.filter(isSynthea)]) {
      const text = textOf(path)
      const answer = await server.ask('POST', '', { body: Buffer.from(text, 'latin1').toString() })
      expect(answer.status, `${path}: ${answer.text.slice(0, 300)}`).toBe(200)
      const places = placesIn(answer)
      for (const [i, source] of resourcesIn(text).entries())
        sent.set(places[i] ?? '', { source, numbers: numbersIn(source.text), isRewritten: true })
    }
    expect(sent.size).toBe(7_501)
  })

  test('of HL7 is taken whole, by updates and as a batch', async () => {
    const examples = others.filter((path) => !isSynthea(path)).flatMap(resourcesOf)
    const half = Math.ceil(examples.length / 2)
    await inParallel(examples.slice(0, half), async ({ type, id, text }) => {
      const answer = await server.ask('PUT', `${type}/${id}`, { body: Buffer.from(text, 'latin1').toString() })
      expect(answer.status, `${type}/${id}: ${answer.text.slice(0, 300)}`).toBe(201)
    })
    const entry = examples
      .slice(half)
      .map(({ type, id, text }) => `{"resource":${text},"request":{"method":"PUT","url":"${type}/${id}"}}`)
    const batch = Buffer.from(`{"resourceType":"Bundle","type":"batch","entry":[${entry}]}`, 'latin1').toString()
    expect(placesIn(await server.ask('POST', '', { body: batch }))).toHaveLength(examples.length - half)
    for (const source of examples)
      sent.set(`${source.type}/${source.id}`, { source, numbers: numbersIn(source.text), isRewritten: false })
    expect(sent.size).toBe(7_501 + 679)
  })

  /** Holds what came back against what was sent. */
  function check(place: string, text: string): void {
    const { source, numbers, isRewritten } = sent.get(place) as Sent
    expect(numbersIn(text), place).toBe(numbers)
    if (isRewritten) return
    const { versionId, lastUpdated } = JSON.parse(text).meta
    const { given, stored } = comparable(source.text, text, { versionId, lastUpdated })
    expect(stored === given, `${place} is not as it was sent`).toBe(true)
  }

  test.each(['', '/_history/1'])('comes back exactly from {type}/{id}%s', (version) =>
    inParallel(sent.keys(), async (place) => check(place, await bodyOf(`${server.base}/${place}${version}`))),
  )

  test('comes back exactly from the histories of the system and of a type', async () => {
    for (const scope of ['', 'Observation/']) {
      const seen = new Set<string>()
      let next: string | undefined = `${server.base}/${scope}_history?_count=400`
      while (next !== undefined) {
        const page = await bodyOf(next)
        for (const { type, id, text } of resourcesIn(page)) {
          check(`${type}/${id}`, text)
          seen.add(`${type}/${id}`)
        }
        const { link } = JSON.parse(page) as { link: ReadonlyArray<{ relation: string; url: string }> }
        next = link.find(({ relation }) => relation === 'next')?.url
      }
      expect(seen.size).toBe([...sent.keys()].filter((place) => place.startsWith(scope)).length)
    }
  })

  test('keeps the numbers that a JSON parser would change, laid out for people and in the history of a resource, too', async () => {
    const odd = [...sent].filter(([, { numbers }]) =>
      numbers.split(' ').some((token) => token !== '' && String(Number(token)) !== token),
    )
    expect(odd.length).toBeGreaterThan(400)
    await inParallel(odd, async ([place, { numbers }]) => {
      expect(numbersIn(await bodyOf(`${server.base}/${place}?_pretty=true`)), place).toBe(numbers)
      const [only] = resourcesIn(await bodyOf(`${server.base}/${place}/_history`))
      check(place, only?.text ?? '')
    })
  })

  test('is found without a difference by a verification', async () => {
    expect(await server.store.verify('default')).toMatchObject({ differences: 0 })
  })
})

/** Where each entry of a Bundle went. */
const placesIn = ({ body }: Answer): string[] =>
  body.entry.map(({ response }: { response: { status: string; location?: string } }) => {
    expect(response.status).toMatch(/^201/)
    return /(\w+\/[^/]+)\/_history\/1$/.exec(response.location ?? '')?.[1]
  })

/** Latin1, so that offsets are those of bytes; and not compressed, which would take most of the time. */
const bodyOf = async (url: string): Promise<string> => {
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  expect(answer.status, url).toBe(200)
  return Buffer.from(await answer.arrayBuffer()).toString('latin1')
}

/** The numbers of a JSON text as they are spelt, in order. */
const numbersIn = (text: string): string =>
  (text.match(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g) ?? []).filter((token) => !token.startsWith('"')).join(' ')

async function inParallel<A>(all: Iterable<A>, visit: (each: A) => Promise<void>): Promise<void> {
  const rest = all[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await visit(next.value)
  }
  await Promise.all(Array.from({ length: 16 }, work))
}
