/** A server that asks who its clients are, with an issuer of its own. */
import { request } from 'node:http'
import { expect } from 'vitest'
import type { FhirServerOptions } from '../../src/http/index.js'
import type { Store } from '../../src/index.js'
import { type Issuer, startIssuer } from './issuer.js'
import { type Answer, codesOf, type Running, running } from './server.js'

export interface Guarded extends Running {
  readonly authority: Issuer
  /** Lists Patients, or what else is asked for. */
  asWith(token: string, path?: string): Promise<Answer>
}

export async function guarded(
  authentication: object = {},
  options: Omit<FhirServerOptions, 'authentication'> = {},
  of?: Store,
): Promise<Guarded> {
  const authority = await startIssuer()
  const server = await running({ ...options, authentication: { ...authority.authentication, ...authentication } }, of)
  const asWith = (token: string, path = 'Patient') =>
    server.ask('GET', path, { headers: { authorization: `Bearer ${token}` } })
  return { ...server, authority, asWith }
}

/** A path as it is, and headers as they are: name, value, name, value. */
export const askAsItIs = (
  { root }: Running,
  path: string,
  headers: string[],
): Promise<{ readonly status: number; readonly challenge: string | undefined; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(root)
    request({ hostname, port, path, headers: ['Host', 'a', ...headers] }, async (answer) => {
      let text = ''
      for await (const chunk of answer) text += chunk
      resolve({ status: answer.statusCode ?? 0, challenge: answer.headers['www-authenticate'], text })
    })
      .on('error', reject)
      .end()
  })

/** `error`: of RFC 6750. */
export function expectRefused(answer: Answer, status: number, code: string, error?: string): void {
  expect(answer.status, answer.text).toBe(status)
  expect(codesOf(answer)).toEqual([code])
  const challenge = answer.headers.get('www-authenticate') ?? ''
  expect(challenge).toMatch(/^Bearer realm="FHIR"/)
  expect(/ error="(\w+)"/.exec(challenge)?.[1]).toBe(error)
}
