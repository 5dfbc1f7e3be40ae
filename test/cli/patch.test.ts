/** `annals patch`: a resource is changed by a JSON Patch. */
import { expect, test } from 'vitest'
import { atStore, newStore } from './harness.js'

const patch = (...operations: object[]): string => JSON.stringify(operations)

test('changes what the patch names, and keeps every other byte', async () => {
  const annals = atStore(newStore())
  await annals('put Note/a - --kind json', { stdin: '{ "n": 1.10, "l": [] }' })
  const stdin = patch({ op: 'add', path: '/l/-', value: 'x' })
  expect(await annals('patch Note/a --if-version 1 --actor ann', { stdin })).toMatchObject({
    code: 0,
    stdout: 'updated Note/a version 2\n',
  })
  expect((await annals('get Note/a')).stdout).toContain('{ "n": 1.10, "l": ["x"] }')
  expect((await annals('patch Note/a --if-version 1', { stdin })).code).toBe(1)
})

test('that cannot be applied, or is none, says so and writes nothing', async () => {
  const annals = atStore(newStore())
  await annals('put Note/a - --kind json', { stdin: '{}' })
  for (const [target, stdin, code, message] of [
    ['Note/a', patch({ op: 'remove', path: '/x' }), 1, 'operation 0 (remove /x)'],
    ['Note/b', patch({ op: 'add', path: '/x', value: 1 }), 1, 'does not exist'],
    ['Note/a', '{}', 2, 'a list of operations'],
    ['Note', '[]', 2, 'Type/id'],
  ] as const)
    expect(await annals(`patch ${target}`, { stdin })).toMatchObject({ code, stderr: expect.stringContaining(message) })
  expect((await annals('log --json')).stdout.trim().split('\n')).toHaveLength(1)
})
