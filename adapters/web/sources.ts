/** Manifests and files of submissions, over HTTP or from files of this machine. */
import { createReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { backOff } from '../../domain/backoff.js'
import { type Clock, type Ids, SourceProblem, type Sources } from '../../domain/ports/index.js'
import { readManifest } from './manifest.js'
import { type Get, makeGet, type RequestRules } from './requests.js'

export interface SourceRules extends RequestRules {
  /** `file:` URLs name files of this machine. */
  readonly allowFiles: boolean
  /** Of a manifest, and of a file as it is once unpacked; in bytes. */
  readonly maxManifestBytes: number
  readonly maxFileBytes: number
}

export const defaultSourceRules: SourceRules = {
  allowPrivate: false,
  allowFiles: false,
  maxRedirects: 5,
  idleTimeoutMs: 60_000,
  maxManifestBytes: 64 * 1024 * 1024,
  maxFileBytes: 256 * 1024 * 1024 * 1024,
}

/** Requests that fail one after the other, with nothing read in between, before a source is given up. */
const maxAttempts = 6
/** Pages of one manifest. */
const maxPages = 1_000

type Headers = Readonly<Record<string, string>>

export function webSources(rules: SourceRules, { clock, ids }: { readonly clock: Clock; readonly ids: Ids }): Sources {
  const get = makeGet(rules)

  async function* open(url: string, headers: Headers, signal: AbortSignal): AsyncGenerator<Buffer> {
    const raw = url.startsWith('file:')
      ? fromFile(rules, url, signal)
      : fromWeb(get, { clock, ids }, url, headers, signal)
    yield* bounded(unpacked(raw), rules.maxFileBytes)
  }

  async function manifest(first: string, headers: Headers, signal: AbortSignal) {
    const files = []
    let url: string | undefined = first
    for (let pages = 0; url !== undefined; pages++) {
      if (pages === maxPages) throw new SourceProblem(`its manifest has more than ${maxPages} pages`)
      const chunks: Buffer[] = []
      for await (const chunk of bounded(open(url, headers, signal), rules.maxManifestBytes)) chunks.push(chunk)
      const page = readManifest(Buffer.concat(chunks), url)
      files.push(...page.files)
      url = page.next
    }
    return files
  }

  return { manifest, open }
}

async function* fromFile({ allowFiles }: SourceRules, url: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (!allowFiles) throw new SourceProblem('it is a file of this machine, and these are not read')
  try {
    yield* createReadStream(fileURLToPath(url), { signal }) as AsyncIterable<Buffer>
  } catch (error) {
    throw new SourceProblem(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

/** A connection that ends too early is taken up again where it ended. */
async function* fromWeb(
  get: Get,
  { clock, ids }: { readonly clock: Clock; readonly ids: Ids },
  url: string,
  headers: Headers,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let read = 0
  let tag: string | undefined
  for (let attempt = 0; ; attempt++) {
    try {
      const asked = { 'accept-encoding': 'gzip', ...headers, ...(read === 0 ? undefined : { range: `bytes=${read}-` }) }
      const answer = await get(url, asked, signal)
      const skip = checked(answer, read, tag)
      tag ??= answer.headers.etag
      let passed = 0
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        const rest = chunk.subarray(Math.max(0, Math.min(chunk.length, skip - passed)))
        passed += chunk.length
        if (rest.length === 0) continue
        read += rest.length
        attempt = 0
        yield rest
      }
      return
    } catch (error) {
      if (error instanceof SourceProblem || signal.aborted) throw asProblem(error)
      if (attempt >= maxAttempts - 1) throw asProblem(error)
    }
    await backOff(clock, ids, attempt + 4, signal)
  }
}

/** How many bytes of the answer were read before. What may pass is an `Error`, what will not a `SourceProblem`. */
function checked(answer: IncomingMessage, read: number, tag: string | undefined): number {
  const { statusCode = 0, headers } = answer
  const refuse = (problem: string): never => {
    answer.destroy()
    throw new SourceProblem(problem)
  }
  if (statusCode === 429 || statusCode >= 500) {
    answer.destroy()
    throw new Error(`it was answered with ${statusCode}`)
  }
  if (statusCode !== 200 && statusCode !== 206) return refuse(`it was answered with ${statusCode}`)
  if (/^\s*text\/html\b/i.test(headers['content-type'] ?? '')) return refuse('it is a page of HTML')
  if (!/^(identity|gzip|x-gzip|)$/i.test(headers['content-encoding'] ?? ''))
    return refuse('its encoding is neither plain nor gzip')
  if (tag !== undefined && headers.etag !== tag) return refuse('it has changed while it was read')
  return statusCode === 206 ? 0 : read
}

const asProblem = (error: unknown): SourceProblem =>
  error instanceof SourceProblem
    ? error
    : new SourceProblem(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`)

/** Gzip tells itself by its first bytes, whatever the headers or the name say. */
async function* unpacked(raw: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = raw[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true) return
  const all = (async function* () {
    yield first.value
    yield* { [Symbol.asyncIterator]: () => iterator }
  })()
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) return yield* all
  const gunzip = createGunzip()
  const source = Readable.from(all)
  source.on('error', (error) => gunzip.destroy(error))
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Buffer>
  } catch (error) {
    if (error instanceof SourceProblem) throw error
    throw new SourceProblem('it is no whole gzip file')
  } finally {
    source.destroy()
  }
}

async function* bounded(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > most) throw new SourceProblem(`it is larger than ${most} bytes`)
    yield chunk
  }
}
