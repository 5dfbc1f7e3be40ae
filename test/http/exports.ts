/** Bulk exports over HTTP: begun, waited for and read back. */
import { expect } from 'vitest'
import type { Answer, Running } from './server.js'

export interface File {
  readonly type: string
  readonly url: string
  readonly count: number
  readonly fileSize: number
}

export interface Manifest {
  readonly transactionTime: string
  readonly request: string
  readonly requiresAccessToken: boolean
  readonly output: ReadonlyArray<File>
  readonly deleted: ReadonlyArray<File>
  readonly error: ReadonlyArray<File>
}

type Server = Pick<Running, 'ask' | 'root' | 'store'>
type Headers = Record<string, string>

export const wantsAsync = { prefer: 'respond-async' }

export const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter })

/** A path from the root. */
export const pathOf = ({ root }: Pick<Running, 'root'>, url: string): string => {
  expect(url.startsWith(`${root}/`), url).toBe(true)
  return url.slice(root.length)
}

export async function begin(server: Server, path: string, headers: Headers = {}, body?: unknown): Promise<string> {
  const method = body === undefined ? 'GET' : 'POST'
  const answer = await server.ask(method, path, { headers: { ...wantsAsync, ...headers }, body })
  expect(answer.status, answer.text).toBe(202)
  return pathOf(server, answer.headers.get('content-location') ?? '')
}

/** Waits for its end beside the server, which counts how often it is asked. */
export async function ended({ store }: Pick<Running, 'store'>, status: string, tenant = 'default'): Promise<void> {
  const { exports } = await store.tenant(tenant)
  const id = status.slice(status.lastIndexOf('/') + 1)
  await expect.poll(async () => (await exports.status(id))?.state, { timeout: 20_000 }).toMatch(/complete|error/)
}

export async function manifestAt(server: Server, status: string, headers: Headers = {}): Promise<Manifest> {
  await ended(server, status)
  const answer = await server.ask('GET', status, { headers })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

export async function exported(server: Server, path: string, headers: Headers = {}, body?: unknown): Promise<Manifest> {
  return manifestAt(server, await begin(server, path, headers, body), headers)
}

export async function linesOf(server: Server, files: ReadonlyArray<File>, headers: Headers = {}): Promise<string[]> {
  const lines: string[] = []
  for (const { url, count, fileSize } of files) {
    const { status, text } = await server.ask('GET', pathOf(server, url), { headers })
    const own = text.split('\n').slice(0, -1)
    expect([status, own.length, Buffer.byteLength(text)]).toEqual([200, count, fileSize])
    lines.push(...own)
  }
  return lines
}

/** Of each resource in these files, its type and id. */
export const namesIn = async (server: Server, files: ReadonlyArray<File>, headers: Headers = {}): Promise<string[]> =>
  (await linesOf(server, files, headers))
    .map((line) => JSON.parse(line))
    .map(({ resourceType, id }) => `${resourceType}/${id}`)
    .sort()

export const issuesOf = ({ body }: Answer): string[] =>
  body.issue.map((each: { code: string; location?: string[]; expression?: string[] }) =>
    [each.code, ...(each.location ?? []), ...(each.expression ?? [])].join(' '),
  )
