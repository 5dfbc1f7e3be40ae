/** Loading: formats, identities, bad input among good, and doing it twice. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { atStore, file, lines, newStore, patient, patients, summary, tempFolder } from './harness.js'

const loaded = async (path: string, ...more: string[]) => {
  const annals = atStore(newStore())
  const ran = await annals(['load', path, '--json', ...more])
  return { annals, ran, counts: ran.stdout === '' ? {} : summary(ran) }
}

describe('what is loaded', () => {
  test('NDJSON, with every line end, blank lines, and no newline at the end', async () => {
    const [a, b, c] = patients(3) as [string, string, string]
    const { annals, counts } = await loaded(file('x.ndjson', `${a}\r\n\n  \n${b}\n${c}`))
    expect(counts).toMatchObject({ read: 3, created: 3, failed: 0, complete: true })
    const { stdout } = await annals('get Patient/p0')
    expect(stdout.replace(/"meta":\{[^}]*\},/, '')).toBe(a)
  })

  test('a pretty-printed file is one resource, whatever its name', async () => {
    const text = JSON.stringify(JSON.parse(patient('p1', { name: [{ family: 'Lee' }] })), null, 2)
    for (const name of ['p1.json', 'p1.ndjson', 'p1'])
      expect((await loaded(file(name, `${text}\n`))).counts).toMatchObject({ read: 1, created: 1 })
  })

  test('gzip, known by its bytes', async () => {
    const bytes = gzipSync(Buffer.from(patients(5000).join('\n')))
    for (const name of ['x.ndjson.gz', 'x.ndjson'])
      expect((await loaded(file(name, bytes))).counts).toMatchObject({ created: 5000 })
  })

  test('standard input, plain and gzip', async () => {
    const text = patients(3).join('\n')
    for (const stdin of [text, gzipSync(Buffer.from(text))]) {
      const annals = atStore(newStore())
      expect(summary(await annals('load - --json', { stdin }))).toMatchObject({ created: 3 })
    }
  })

  test('folders, recursively, and nothing that is no JSON', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'deep/er'), { recursive: true })
    file('a.json', patient('a'), folder)
    file('b.jsonl', `${patient('b')}\n${patient('c')}`, join(folder, 'deep'))
    file('d.ndjson.gz', gzipSync(Buffer.from(patient('d'))), join(folder, 'deep/er'))
    file('notes.txt', 'no JSON', folder)
    const { counts } = await loaded(folder)
    expect(counts).toMatchObject({ sources: 3, created: 4, failed: 0 })
  })

  test('a line far longer than a chunk', async () => {
    const long = patient('long', { text: 'x'.repeat(5_000_000) })
    const { annals, counts } = await loaded(file('x.ndjson', `${patient('a')}\n${long}\n${patient('b')}\n`))
    expect(counts).toMatchObject({ created: 3 })
    expect((await annals('get Patient/long')).out.length).toBeGreaterThan(5_000_000)
  })

  test('an empty file is no resource and no failure', async () => {
    expect((await loaded(file('x.ndjson', ''))).ran).toMatchObject({ code: 0 })
    expect((await loaded(file('x.json', '\n \n'))).counts).toMatchObject({ read: 0, failed: 0 })
  })
})

describe('Bundles', () => {
  const uuid = '0b1f9a5e-3c3b-4b5e-9a57-3f1f4bdc9e10'
  const entries = [
    '{"fullUrl":"http://x/Patient/p1","resource":{"resourceType":"Patient", "id":"p1","n":1.10},"request":{"method":"PUT","url":"Patient/p1"}}',
    `{"fullUrl":"urn:uuid:${uuid}","resource":{"resourceType":"Observation","v":12345678901234567890}}`,
    '{"request":{"method":"DELETE","url":"Patient/p2"}}',
    `{"resource":{"resourceType":"Group","member":[{"entity":{"reference":"urn:uuid:${uuid}"}}]}}`,
  ]
  const bundle = (type: string): string =>
    `{"resourceType":"Bundle","type":"${type}","entry":[\n${entries.join(',\n')}\n]}`

  test.each(['collection', 'transaction', 'batch', 'searchset'])(
    '%s: entries are upserts, byte for byte',
    async (type) => {
      const { annals, counts } = await loaded(file('bundle.json', bundle(type)))
      expect(counts).toMatchObject({ read: 3, created: 3, failed: 0 })
      expect((await annals('get Patient/p1')).stdout).toMatch(/^\{"resourceType":"Patient", "id":"p1",.*"n":1\.10\}$/)
      expect((await annals(`get Observation/${uuid}`)).stdout).toContain('"v":12345678901234567890')
      const group = JSON.parse((await annals('history Group --json')).stdout).entries[0]
      expect((await annals(`get Group/${group.id}`)).stdout).toContain(`"reference":"urn:uuid:${uuid}"`)
    },
  )

  test('on one line and on many lines', async () => {
    for (const text of [bundle('batch').replaceAll('\n', ''), JSON.stringify(JSON.parse(bundle('batch')), null, 2)])
      expect((await loaded(file('b.json', text))).counts).toMatchObject({ created: 3 })
  })

  test('among other lines a Bundle is a resource like any other', async () => {
    const line = '{"resourceType":"Bundle","id":"b","type":"collection","entry":[]}'
    const { annals } = await loaded(file('x.ndjson', `${line}\n${patient('p')}\n`))
    expect((await annals('get Bundle/b')).code).toBe(0)
  })

  test('one bad entry is named, the others are kept', async () => {
    const bad = bundle('batch').replace('"v":12345678901234567890', '"v":1,"v":2')
    const { ran, counts } = await loaded(file('bundle.json', bad))
    expect(counts).toMatchObject({ created: 2, failed: 1 })
    expect(JSON.parse(ran.stderr)).toMatchObject({ code: 'ANNALS_INVALID_BODY', entry: 1, line: 3, column: 107 })
  })

  test('one that is cut off is named with its place, and nothing of it is loaded', async () => {
    const { ran, counts } = await loaded(file('bundle.json', bundle('batch').slice(0, -3)))
    expect(ran.code).toBe(1)
    expect(counts).toMatchObject({ created: 0, failed: 1 })
    expect(ran.stderr).toMatch(/ends too early/)
  })
})

describe('identities', () => {
  test('without an id one is made of the content, the same each time', async () => {
    const path = file('x.ndjson', '{"resourceType":"Patient","n":1}\n{"resourceType":"Patient","n":2}\n')
    const { annals, counts } = await loaded(path)
    expect(counts).toMatchObject({ created: 2 })
    expect(summary(await annals(['load', path, '--json']))).toMatchObject({ created: 0, unchanged: 2 })
  })

  test('a tenant of kind json is told the type and where the id is', async () => {
    const path = file('orders.ndjson', '{"no":7,"x":1.10}\n{"no":"a/b"}\n{"x":{"no":1}}\n{"no":true}\n')
    const { annals, ran, counts } = await loaded(path, '--kind', 'json', '--type', 'order', '--id-field', 'no')
    expect(counts).toMatchObject({ created: 2, failed: 2 })
    expect(lines(ran.stderr).map((line) => JSON.parse(line).line)).toEqual([3, 4])
    expect((await annals('get order/7')).stdout).toBe('{"no":7,"x":1.10}')
    expect((await annals('get order/a/b')).code).toBe(0)
    expect((await annals(['load', path])).code).toBe(2)
  })

  test('a new tenant has as many shards as it is told, and loading into it again needs no number', async () => {
    const path = file('x.ndjson', `${patient('a')}\n${patient('b')}\n`)
    const { annals, counts } = await loaded(path, '--shards', '4')
    expect(counts).toMatchObject({ created: 2 })
    expect(summary(await annals(['load', path, '--json']))).toMatchObject({ unchanged: 2 })
    expect(await annals(['load', path, '--shards', '1'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is 4, not 1/),
    })
  })

  test('FHIR resources say their type themselves', async () => {
    expect((await loaded(file('x.ndjson', patient('a')), '--type', 'Patient')).ran.code).toBe(2)
    expect((await loaded(file('x.ndjson', patient('a')), '--kind', 'json')).ran.stderr).toMatch(/--type/)
  })
})

describe('bad input among good', () => {
  const bad: ReadonlyArray<[string, string | Buffer, number | undefined, RegExp]> = [
    ['malformed JSON', '{"resourceType":"Patient","id":"x",}', 36, /member name/],
    ['a duplicate member', '{"resourceType":"Patient","id":"x","a":1,"a":2}', 42, /occurs twice/],
    ['a duplicate id', '{"resourceType":"Patient","id":"x","id":"y"}', 36, /occurs twice/],
    ['a byte-order mark', `\ufeff${patient('x')}`, 1, /byte-order mark/],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from('{"resourceType":"Patient","id":"x","a":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      41,
      /UTF-8/,
    ],
    ['half of a surrogate pair', '{"resourceType":"Patient","id":"x","a":"\\ud800"}', 41, /surrogate/],
    ['no object', '[1,2]', 1, /one JSON object/],
    ['two objects on a line', `${patient('x')}${patient('y')}`, 50, /follows the end/],
    ['a line that is cut off', '{"resourceType":"Patient","id":"x"', 35, /ends too early/],
    ['meta that is no object', '{"resourceType":"Patient","id":"x","meta":1}', 43, /'meta' has to be an object/],
    ['no resourceType', '{"id":"x"}', undefined, /no resourceType/],
    ['a resourceType that is no text', '{"resourceType":1,"id":"x"}', undefined, /resourceType is no text/],
    ['a type that is none', '{"resourceType":"patient","id":"x"}', undefined, /no FHIR resource type/],
    ['an id that is no text', '{"resourceType":"Patient","id":7}', undefined, /id is no text/],
    ['an id that leaves its place', '{"resourceType":"Patient","id":"../x"}', undefined, /no FHIR id/],
    ['an empty id', '{"resourceType":"Patient","id":""}', undefined, /no FHIR id/],
    ['a word', 'hello', 1, /one JSON object/],
  ]

  test.each(bad)('%s is named with its line and column, and the others are kept', async (_, line, column, problem) => {
    const good = patients(2500)
    const before = Buffer.from(`${good.slice(0, 1700).join('\n')}\n`)
    const after = Buffer.from(`\n${good.slice(1700).join('\n')}\n`)
    const path = file('x.ndjson', Buffer.concat([before, Buffer.from(line as string), after]))
    const { ran, counts } = await loaded(path)
    expect(ran.code).toBe(1)
    expect(counts).toMatchObject({ read: 2501, created: 2500, failed: 1, complete: true })
    expect(lines(ran.stderr)).toHaveLength(1)
    const failure = JSON.parse(ran.stderr)
    expect(failure).toMatchObject({ source: path, line: 1701 })
    expect(failure.column).toBe(column)
    expect(failure.message).toMatch(problem)
  })

  test('people are told in one line each', async () => {
    const annals = atStore(newStore())
    const path = file('x.ndjson', `${patient('a')}\n{"resourceType":"Patient","id":"b","a":tru}\n`)
    const { code, stdout, stderr } = await annals(['load', path])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^2 resources in .*: 1 created, 0 updated, 0 unchanged, 1 failed\n$/)
    expect(stderr).toBe(
      `${path}:2:40: this is no JSON value; put text in double quotes, or write true, false or null (a)\n`,
    )
  })

  test('--strict stops at the first, and the resources before it are kept', async () => {
    const good = patients(3000)
    const text = [...good.slice(0, 1200), 'bad', ...good.slice(1200)].join('\n')
    const broken = [...good.slice(0, 1200), '{"resourceType":"Patient","id":"a","id":"b"}', ...good.slice(1200)].join(
      '\n',
    )
    for (const content of [text, broken]) {
      const { annals, ran, counts } = await loaded(file('x.ndjson', content), '--strict')
      expect(ran.code).toBe(1)
      expect(counts).toMatchObject({ created: 1200, failed: 1, complete: false })
      expect((await annals('get Patient/p1199')).code).toBe(0)
      expect((await annals('get Patient/p1200')).code).toBe(1)
    }
  })

  test('a --strict load goes on at the line that has been mended', async () => {
    const good = patients(1500)
    const path = file('x.ndjson', [...good, 'bad', patient('last')].join('\n'))
    const annals = atStore(newStore())
    expect((await annals(['load', path, '--strict'])).code).toBe(1)
    expect((await annals(['load', path, '--strict'])).stderr).toMatch(/1501:1: /)
    file('x.ndjson', [...good, patient('mended'), patient('last')].join('\n'), path.slice(0, path.lastIndexOf('/')))
    expect(summary(await annals(['load', path, '--strict', '--json']))).toMatchObject({ failed: 0, complete: true })
    expect((await annals('get Patient/last')).code).toBe(0)
  })

  test('a gzip that is cut off is named, and other sources are loaded', async () => {
    const folder = tempFolder()
    file('a.ndjson.gz', gzipSync(Buffer.from(patients(3000).join('\n'))).subarray(0, 4000), folder)
    file('b.ndjson', patient('b'), folder)
    const { annals, ran, counts } = await loaded(folder)
    expect(ran.code).toBe(1)
    expect(counts).toMatchObject({ failed: 1, sources: 2 })
    expect((await annals('get Patient/b')).code).toBe(0)
  })

  test('the last of several versions of a resource in a file stays the last', async () => {
    const versions = Array.from({ length: 3000 }, (_, n) => patient(`p${n % 7}`, { n }))
    versions.splice(1234, 0, '{"resourceType":"Patient","id":"p1","n":0,"n":0}')
    const { annals } = await loaded(file('x.ndjson', versions.join('\n')))
    expect((await annals('get Patient/p3')).stdout).toContain('"n":2999')
    expect((await annals('get Patient/p1')).stdout).toContain(
      '"n":2997'.replace('2997', String(Math.floor(2998 / 7) * 7 + 1)),
    )
  })
})

describe('loading again', () => {
  test('changes nothing, and says so', async () => {
    const path = file('x.ndjson', patients(1200).join('\n'))
    const { annals } = await loaded(path)
    const before = (await annals('log')).stdout
    expect(summary(await annals(['load', path, '--json']))).toMatchObject({
      read: 1200,
      unchanged: 1200,
      created: 0,
      resumed: 0,
    })
    expect((await annals('log')).stdout).toBe(before)
  })

  test('writes what has changed, with actor and reason', async () => {
    const all = patients(20)
    const { annals } = await loaded(file('x.ndjson', all.join('\n')))
    all[7] = patient('p7', { changed: true })
    const path = file('x.ndjson', all.join('\n'))
    const again = await annals(['load', path, '--json', '--actor', 'import', '--reason', 'second delivery'])
    expect(summary(again)).toMatchObject({ updated: 1, unchanged: 19 })
    expect((await annals('history --count 1')).stdout).toMatch(/Patient\/p7\t2\tupdate\timport\tsecond delivery\n$/)
  })

  test('an actor that is too long fails once, not for every resource', async () => {
    const annals = atStore(newStore())
    const { code, stderr } = await annals([
      'load',
      file('x.ndjson', patients(3).join('\n')),
      '--actor',
      'x'.repeat(2000),
    ])
    expect({ code, lines: lines(stderr).length }).toEqual({ code: 2, lines: 1 })
  })
})
