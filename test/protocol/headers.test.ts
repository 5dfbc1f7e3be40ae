/** The headers of commits, for whoever checks the chain without trusting the store. */
import { expect, test } from 'vitest'
import { sha256 } from '../../domain/commit.js'
import { makeWorld } from './world.js'

test('each is the text of which the commit has the hash, whether bodies are read or not, however large it is', async () => {
  const { tenant } = await makeWorld().enter()
  await tenant.create('Note', '{"n":1.10}', { id: 'a', actor: 'Ann' })
  const many = Array.from({ length: 1_000 }, (_, n) => `note-${n}`)
  await tenant.transact(many.map((id) => ({ op: 'create', type: 'Note', id, body: '{}' }) as const))
  await tenant.delete('Note', 'a')
  for (const bodies of [true, false]) {
    let before = '0'.repeat(64)
    const sizes: number[] = []
    for await (const { seq, hash, header = '' } of tenant.commits({ headers: true, bodies })) {
      expect(sha256(header)).toBe(hash)
      expect(JSON.parse(header)).toMatchObject({ format: 'annals/1', seq, prev: before })
      sizes.push(header.length)
      before = hash
    }
    expect(sizes).toHaveLength(3)
    expect(sizes[1]).toBeGreaterThan(100_000)
  }
  for await (const commit of tenant.commits()) expect(commit).not.toHaveProperty('header')
})
