/** `annals revert` and `annals restore`: what was written is taken back, and the history keeps all of it. */
import { describe, expect, test } from 'vitest'
import { atStore, newStore, patient } from './harness.js'

/** p1 has two versions, the second in a transaction of its own, with p2 beside it in the third commit. */
async function written() {
  const annals = atStore(newStore())
  await annals('put Patient/p1 -', { stdin: patient('p1', { n: 1 }) })
  await annals('put Patient/p1 - --correlation import-7', { stdin: patient('p1', { n: 2 }) })
  await annals('put Patient/p2 - --correlation import-7', { stdin: patient('p2', { n: 3 }) })
  return annals
}

describe('revert', () => {
  test('takes back a transaction, and says how to take that back', async () => {
    const annals = await written()
    expect(await annals('revert 2-0 --actor ann')).toMatchObject({
      code: 0,
      stdout: 'restored Patient/p1 version 3, as version 1\n',
      stderr: 'transaction 4-0; to take it back: annals revert 4-0\n',
    })
    expect(JSON.parse((await annals('get Patient/p1')).stdout)).toMatchObject({ n: 1 })
    const [newest] = JSON.parse((await annals('history Patient/p1 --json')).stdout).entries
    expect(newest).toMatchObject({ version: 3, restores: 1, compensates: '2-0', actor: 'ann' })
  })

  test('takes back all that was written together', async () => {
    const annals = await written()
    expect((await annals('revert --all-of import-7')).stdout).toBe(
      'deleted Patient/p2 version 2\nrestored Patient/p1 version 3, as version 1\n',
    )
    expect((await annals('revert --from 4 --through 4')).stdout).toBe(
      'restored Patient/p1 version 4, as version 2\nrestored Patient/p2 version 3, as version 1\n',
    )
  })

  test('shows first what it would change, and writes nothing', async () => {
    const annals = await written()
    const { code, stdout, stderr } = await annals('revert --from 2 --dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain('delete Patient/p2 from version 1\n')
    expect(stdout).toContain('restore Patient/p1 from version 2 to version 1\n  ~ n: 2 → 1\n')
    expect(stderr).toBe('dry run: 2 resources, 0 of them changed since; nothing was written\n')
    expect((await annals('history --json')).stdout).not.toContain('restores')
  })

  test('ends with 1 where others have changed something since, unless it is told what to do', async () => {
    const annals = await written()
    await annals('put Patient/p1 -', { stdin: patient('p1', { n: 4 }) })
    const refused = await annals('revert 2-0')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('Patient/p1 was expected to be at version 2, but it is at version 3')
    expect((await annals('revert 2-0 --dry-run')).stdout).toBe(
      'leave Patient/p1 from version 3: changed since, it was expected at version 2\n',
    )
    expect((await annals('revert 2-0 --on-conflict skip')).stderr).toBe('nothing to take back: nothing was written\n')
    const forced = JSON.parse((await annals('revert 2-0 --on-conflict force --json')).stdout)
    expect(forced).toMatchObject({
      transaction: '5-0',
      replayed: false,
      results: [{ id: 'p1', version: 4, restores: 1 }],
    })
  })

  test.each([
    ['revert', 'name what is taken back'],
    ['revert 2-0 --from 1', 'but not both'],
    ['revert first', 'is no transaction'],
    ['revert 9-0', 'has no transaction 9-0'],
    ['revert 2-0 --on-conflict ignore', 'skip'],
  ])('ends with 2: annals %s', async (line, problem) => {
    const annals = await written()
    const { code, stderr } = await annals(line)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
  })
})

describe('restore', () => {
  test('brings back the tenant, a type or a resource as it was', async () => {
    const annals = await written()
    expect((await annals('restore Patient/p1 --to 0-1-0')).stdout).toBe('restored Patient/p1 version 3, as version 1\n')
    expect((await annals('restore --to 0-1-0 --dry-run')).stdout).toContain('delete Patient/p2 from version 1\n')
    expect((await annals('restore Patient --to 0-2-0')).stdout).toBe(
      'restored Patient/p1 version 4, as version 2\ndeleted Patient/p2 version 2\n',
    )
    expect((await annals('restore --to 0-6-0')).stderr).toContain('nothing was written')
    expect((await annals('restore Patient/p1 --to 1')).stdout).toBe('restored Patient/p1 version 5, as version 1\n')
    expect(await annals('restore Patient --to 1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('name it'),
    })
  })

  test('wants to know when', async () => {
    const annals = await written()
    expect((await annals('restore Patient')).code).toBe(2)
    expect((await annals('restore --to someday')).code).toBe(2)
  })
})
