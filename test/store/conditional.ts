/** Processes that create one resource on a condition, all at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import type { Store } from '../../src/index.js'
import { program } from '../program.js'

const source = new URL('./conditional-child.ts', import.meta.url)
const processes = 4
const perProcess = 16

/** Four processes with sixteen calls each: one of them creates, and all the others find what it has created. */
export async function expectOneCreated(url: string, store: Store): Promise<void> {
  const tenant = await store.tenant('t')
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [program(source), url, String(perProcess)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')))
  const told = await Promise.all(
    children.map(async (child) => {
      child.stdin.write('go\n')
      let said = ''
      for await (const chunk of child.stdout) said += chunk
      return JSON.parse(said) as string[]
    }),
  )
  const all = told.flat()
  expect(all).toHaveLength(processes * perProcess)
  expect(all.filter((each) => each.endsWith('created'))).toHaveLength(1)
  expect(new Set(all.map((each) => each.split(' ')[0])).size).toBe(1)
  expect(await tenant.match('Patient', 'identifier=123')).toHaveLength(1)
  expect((await tenant.history()).entries).toHaveLength(1)
  expect(await store.verify('t')).toMatchObject({ events: 1, differences: 0 })
}
