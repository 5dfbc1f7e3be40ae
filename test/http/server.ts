/** A FHIR server that listens, over a store in memory, and requests to it. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, expect } from 'vitest'
import type { FhirVersion } from '../../domain/fhir/version.js'
import { type FhirServerOptions, fhirServer } from '../../src/http/index.js'
import { openStore, type Store } from '../../src/index.js'
import { bundleProblems } from '../fhir/bundle-rules.js'
import { shapeProblems } from '../fhir/shape.js'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is
  readonly body: any
}

export interface Asked {
  readonly headers?: Record<string, string>
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown
}

export interface Running {
  readonly store: Store
  readonly app: FastifyInstance
  /** Of FHIR. */
  readonly base: string
  readonly root: string
  /** `path`: below the base, or from the root with a slash before it. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>
}

const ends: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const end of ends) await end()
})

/** `of`: a store, or where to open one. */
export async function running(options: FhirServerOptions = {}, of: string | Store = 'memory:'): Promise<Running> {
  const store = typeof of === 'string' ? await openStore(of) : of
  // A busy machine is no overload, unless that is what a test is about.
  const app = await fhirServer(store, { maxEventLoopDelayMs: 60_000, ...options })
  await app.listen({ host: '127.0.0.1', port: 0 })
  ends.push(async () => {
    await app.close()
    await store.close()
  })
  const root = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const base = `${root}/fhir`
  return {
    store,
    app,
    root,
    base,
    async ask(method, path, { headers = {}, body } = {}) {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
      const type = { 'content-type': 'application/fhir+json' }
      const answer = await fetch(path.startsWith('/') ? `${root}${path}` : `${base}/${path}`, {
        method,
        headers: text === undefined ? headers : { ...type, ...headers },
        ...(text === undefined ? undefined : { body: text }),
      })
      const read = await answer.text()
      const isJson = /\bjson\b/.test(answer.headers.get('content-type') ?? '') && read !== ''
      const parsed = isJson ? JSON.parse(read) : undefined
      expect(problemsOf(parsed, options.fhirVersion), `${method} ${path}`).toEqual([])
      return { status: answer.status, headers: answer.headers, text: read, body: parsed }
    },
  }
}

/** What the server makes itself is as its version of FHIR has it, in every answer to any test. */
function problemsOf(body: unknown, fhirVersion: FhirVersion | undefined): string[] {
  const { resourceType, type } = (body ?? {}) as { resourceType?: string; type?: string }
  if (resourceType === 'OperationOutcome' || resourceType === 'CapabilityStatement')
    return shapeProblems(body, resourceType, fhirVersion)
  const isOwn = resourceType === 'Bundle' && /^(searchset|history|(batch|transaction)-response)$/.test(type ?? '')
  return isOwn ? [...shapeProblems(body, resourceType, fhirVersion), ...bundleProblems(body as never)] : []
}

export const codesOf = ({ body }: Answer): string[] => body.issue.map(({ code }: { code: string }) => code)
