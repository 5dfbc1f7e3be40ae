/** The keys of an issuer: those that are given, or those that its JWKS URL answers, asked for again as they change. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { HttpProblem } from '../failures.js'
import type { Authentication } from './settings.js'

const keyLimits = {
  /** How long the issuer may take to answer. */
  timeoutMs: 5_000,
  /** After that long they are asked for again. */
  maxAgeMs: 10 * 60_000,
  /** How often at most they are asked for because of a key that is not among them: anybody can name one. */
  cooldownMs: 30_000,
  /** How long a failure stands for further ones. */
  failureMs: 1_000,
  maxBytes: 1024 * 1024,
}

/** The keys cannot be had now: that is not the token's fault. */
export class KeysUnavailable extends HttpProblem {
  constructor(override readonly cause: AnnalsError) {
    super(503, 'transient', 'the keys of the issuer of tokens cannot be fetched; try again later', {}, {})
  }
}

export function keysOf({ jwks }: Authentication): JWTVerifyGetKey {
  if (typeof jwks !== 'string') return createLocalJWKSet(jwks)
  const find = createRemoteJWKSet(new URL(jwks), {
    timeoutDuration: keyLimits.timeoutMs,
    cacheMaxAge: keyLimits.maxAgeMs,
    cooldownDuration: keyLimits.cooldownMs,
    [customFetch]: boundedFetch(),
  })
  return async (header, token) => {
    try {
      return await find(header, token)
    } catch (error) {
      if (isAboutToken(error)) throw error
      throw new KeysUnavailable(annalsError('Unavailable', { operation: 'fetch', key: 'jwks', cause: reasonOf(error) }))
    }
  }
}

const isAboutToken = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported

/** For the log. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is no JSON'
  const { message, cause } = error as Error & { readonly cause?: { readonly code?: string } }
  return cause?.code ?? message
}

function boundedFetch(): FetchImplementation {
  let failed: { readonly at: number; readonly error: unknown } | undefined
  return async (url, options) => {
    if (failed !== undefined && performance.now() - failed.at < keyLimits.failureMs) throw failed.error
    try {
      const answer = await fetch(url, options)
      if (!answer.ok) throw new Error(`the answer is ${answer.status}`)
      const text = await textOf(answer)
      createLocalJWKSet(JSON.parse(text))
      failed = undefined
      return new Response(text)
    } catch (error) {
      failed = { at: performance.now(), error }
      throw error
    }
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    if (length > keyLimits.maxBytes) throw new Error(`the answer has more than ${keyLimits.maxBytes} bytes`)
  }
  return Buffer.concat(chunks).toString()
}
