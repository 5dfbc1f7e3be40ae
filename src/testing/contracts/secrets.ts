/** What every `Secrets` promises. */
import assert from 'node:assert/strict'
import { maxSecretBytes, type SecretName, type Secrets } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { bytesOf, type ContractPromise, refusal, textOf } from './promise.js'

export type MakeSecrets = () => Promise<Secrets>

const name: SecretName = { tenant: 'acme', name: 'database' }

/** Texts that an encoding easily mixes up or that have a meaning for file systems, URLs and Secrets Manager. */
const awkward = [
  'a/b',
  'a%2Fb',
  'a=2Fb',
  'a',
  'A',
  '.',
  '..',
  '~',
  '@',
  '=40',
  '%',
  'a b',
  '!x',
  'db-a1b2c3',
  'é',
  '😀',
  '\ue000',
]

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

export const secretsContract: ReadonlyArray<ContractPromise<MakeSecrets>> = [
  {
    promise: 'a secret that nobody has put is absent, and deleting it is no error',
    check: async (make) => {
      const secrets = await make()
      assert.equal(await run(secrets.get(name)), undefined)
      await run(secrets.delete(name))
      assert.deepEqual(await run(secrets.list(name.tenant)), [])
    },
  },
  {
    promise: 'what is put comes back byte for byte, whatever the bytes, and is nobody else’s to change',
    check: async (make) => {
      const secrets = await make()
      for (const bytes of [everyByte, Uint8Array.of(0), bytesOf('{"a":1}\n'), Uint8Array.of(0xff, 0xfe, 0xc0)]) {
        const mine = Uint8Array.from(bytes)
        await run(secrets.put(name, mine))
        mine.fill(7)
        const read = await run(secrets.get(name))
        assert.deepEqual(Uint8Array.from(read ?? []), bytes)
        read?.fill(7)
        assert.deepEqual(Uint8Array.from((await run(secrets.get(name))) ?? []), bytes)
      }
    },
  },
  {
    promise: 'a put replaces the value as a whole',
    check: async (make) => {
      const secrets = await make()
      await run(secrets.put(name, bytesOf('the first and longer one')))
      await run(secrets.put(name, bytesOf('second')))
      assert.equal(textOf(await run(secrets.get(name))), 'second')
    },
  },
  {
    promise: 'of concurrent puts of one name, one is what stays',
    check: async (make) => {
      const secrets = await make()
      const values = Array.from({ length: 6 }, (_, i) => `value ${i}`)
      await Promise.all(values.map((value) => run(secrets.put(name, bytesOf(value)))))
      assert.ok(values.includes(textOf(await run(secrets.get(name))) ?? ''))
    },
  },
  {
    promise: 'what is deleted is absent at once, and can be put, read and deleted again at once, many times',
    check: async (make) => {
      const secrets = await make()
      for (const value of ['first', 'second', 'third']) {
        await run(secrets.put(name, bytesOf(value)))
        assert.equal(textOf(await run(secrets.get(name))), value)
        await run(secrets.delete(name))
        assert.equal(await run(secrets.get(name)), undefined)
        assert.deepEqual(await run(secrets.list(name.tenant)), [])
        await run(secrets.delete(name))
      }
      await run(secrets.put(name, bytesOf('last')))
      await run(secrets.put(name, bytesOf('the very last')))
      assert.equal(textOf(await run(secrets.get(name))), 'the very last')
      assert.deepEqual(await run(secrets.list(name.tenant)), [name.name])
    },
  },
  {
    promise: 'no two names are one, and every list holds them as they were given, in byte order',
    check: async (make) => {
      const secrets = await make()
      for (const each of awkward) await run(secrets.put({ tenant: 'acme', name: each }, bytesOf(`of ${each}`)))
      for (const each of awkward)
        assert.equal(textOf(await run(secrets.get({ tenant: 'acme', name: each }))), `of ${each}`)
      const inOrder = [...awkward].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.deepEqual(await run(secrets.list('acme')), inOrder)
    },
  },
  {
    promise: 'tenants share nothing, even if one name begins with or contains the other',
    check: async (make) => {
      const secrets = await make()
      const tenants = ['a', 'a/b', 'a%2Fb', 'ab', '..', '~']
      for (const tenant of tenants) await run(secrets.put({ tenant, name: 'b' }, bytesOf(tenant)))
      for (const tenant of tenants) {
        assert.equal(textOf(await run(secrets.get({ tenant, name: 'b' }))), tenant)
        assert.deepEqual(await run(secrets.list(tenant)), ['b'])
      }
      await run(secrets.delete({ tenant: 'a', name: 'b' }))
      assert.equal(textOf(await run(secrets.get({ tenant: 'ab', name: 'b' }))), 'ab')
    },
  },
  {
    promise: 'a list holds every name, however many there are',
    check: async (make) => {
      const secrets = await make()
      const names = Array.from({ length: 120 }, (_, i) => `s${String(i).padStart(3, '0')}`)
      for (const each of names) await run(secrets.put({ tenant: 'acme', name: each }, bytesOf(each)))
      assert.deepEqual(await run(secrets.list('acme')), names)
    },
  },
  {
    promise: 'the largest value is kept; one byte more, none at all and unusable names are refused, and change nothing',
    check: async (make) => {
      const secrets = await make()
      const largest = new Uint8Array(maxSecretBytes).fill(0x5a)
      await run(secrets.put(name, largest))
      const longName = { tenant: '~'.repeat(160), name: '%'.repeat(53) }
      await run(secrets.put(longName, bytesOf('long')))
      assert.equal(textOf(await run(secrets.get(longName))), 'long')
      const tooLarge = await refusal(secrets.put(name, new Uint8Array(maxSecretBytes + 1).fill(0x5a)), 'LimitExceeded')
      assert.doesNotMatch(JSON.stringify(tooLarge), /ZZZ|90,90/)
      await refusal(secrets.put(name, new Uint8Array()), 'InvalidInput')
      for (const bad of ['', 'a\nb', 'x'.repeat(161), '\ud800']) {
        await refusal(secrets.put({ tenant: bad, name: 'n' }, bytesOf('x')), 'InvalidInput')
        await refusal(secrets.put({ tenant: 'acme', name: bad }, bytesOf('x')), 'InvalidInput')
        await refusal(secrets.get({ tenant: 'acme', name: bad }), 'InvalidInput')
        await refusal(secrets.delete({ tenant: 'acme', name: bad }), 'InvalidInput')
        await refusal(secrets.list(bad), 'InvalidInput')
      }
      assert.deepEqual(Uint8Array.from((await run(secrets.get(name))) ?? []), largest)
    },
  },
]
