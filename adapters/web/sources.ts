/** Manifests and files of submissions, over HTTP or from files of this machine. */
import { createReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { backOff } from '../../domain/backoff.js'
import { type Clock, type Ids, type NamedFile, SourceProblem, type Sources } from '../../domain/ports/index.js'
import { readManifest } from './manifest.js'
import { type Get, makeGet, type RequestRules } from './requests.js'

export interface SourceRules extends RequestRules {
  /** `file:` URLs name files of this machine. */
  readonly allowFiles: boolean
  /** Of a manifest, and of a file as it is once unpacked; in bytes. */
  readonly maxManifestBytes: number
  readonly maxFileBytes: number
  /** Of one manifest. */
  readonly maxFiles: number
}

export const defaultSourceRules: SourceRules = {
  allowPrivate: false,
  allowFiles: false,
  maxRedirects: 5,
  idleTimeoutMs: 60_000,
  maxManifestBytes: 64 * 1024 * 1024,
  maxFileBytes: 256 * 1024 * 1024 * 1024,
  maxFiles: 10_000,
}

/** Requests that fail one after the other, with nothing read in between, before a source is given up. */
const maxAttempts = 6
/** What comes in smaller pieces, one failure after the other, does not come; nor what takes longer for so much than to be silent. */
const leastBytes = 64 * 1024
/** How much of a file of this machine is read at once. */
const readBytes = 256 * 1024
/** Pages of one manifest. */
const maxPages = 1_000

type Headers = Readonly<Record<string, string>>

export function webSources(rules: SourceRules, { clock, ids }: { readonly clock: Clock; readonly ids: Ids }): Sources {
  const get = makeGet(rules)

  async function* open(url: string, headers: Headers, signal: AbortSignal): AsyncGenerator<Buffer> {
    const raw = url.startsWith('file:')
      ? fromFile(rules, url, signal)
      : fromWeb({ get, rules, clock, ids }, url, headers, signal)
    yield* bounded(unpacked(raw), rules.maxFileBytes)
  }

  async function manifest(first: string, headers: Headers, signal: AbortSignal) {
    const files: NamedFile[] = []
    let url: string | undefined = first
    for (let pages = 0; url !== undefined; pages++) {
      if (pages === maxPages) throw new SourceProblem(`its manifest has more than ${maxPages} pages`)
      const chunks: Buffer[] = []
      for await (const chunk of bounded(open(url, headers, signal), rules.maxManifestBytes)) chunks.push(chunk)
      const page = readManifest(Buffer.concat(chunks), url)
      if (files.length + page.files.length > rules.maxFiles)
        throw new SourceProblem(`its manifest names more than ${rules.maxFiles} files`)
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
    yield* createReadStream(fileURLToPath(url), { signal, highWaterMark: readBytes }) as AsyncIterable<Buffer>
  } catch (error) {
    throw new SourceProblem(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

interface WebDeps {
  readonly get: Get
  readonly rules: SourceRules
  readonly clock: Clock
  readonly ids: Ids
}

/** A connection that ends too early is taken up again where it ended. */
async function* fromWeb(
  { get, rules, clock, ids }: WebDeps,
  url: string,
  headers: Headers,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let read = 0
  /** Where the last failure was. */
  let failedAt = 0
  let tag: string | undefined
  for (let attempt = 0; ; attempt++) {
    try {
      const asked = { 'accept-encoding': 'gzip', ...headers, ...(read === 0 ? undefined : { range: `bytes=${read}-` }) }
      const answer = await get(url, asked, signal)
      const skip = checked(answer, read, tag)
      tag ??= answer.headers.etag
      let passed = 0
      for await (const chunk of steady(answer, rules, clock)) {
        const rest = chunk.subarray(Math.max(0, Math.min(chunk.length, skip - passed)))
        passed += chunk.length
        if (rest.length === 0) continue
        read += rest.length
        if (read - failedAt >= leastBytes) attempt = 0
        yield rest
      }
      return
    } catch (error) {
      if (error instanceof SourceProblem || signal.aborted) throw asProblem(error)
      if (attempt >= maxAttempts - 1) throw asProblem(error)
      failedAt = read
    }
    await backOff(clock, ids, attempt + 4, signal)
  }
}

/** Fails where the wait for so many bytes, one after the other, is as long as nothing may come at all. */
async function* steady(answer: IncomingMessage, { idleTimeoutMs }: SourceRules, clock: Clock): AsyncGenerator<Buffer> {
  let waited = 0
  let bytes = 0
  let asked = clock.now()
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    waited += clock.now() - asked
    bytes += chunk.length
    if (bytes >= leastBytes) bytes = waited = 0
    if (waited > idleTimeoutMs * 1000) throw new Error('it comes too slowly')
    yield chunk
    asked = clock.now()
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
  if (statusCode === 200) return read
  if (read > 0 && !headers['content-range']?.startsWith(`bytes ${read}-`))
    return refuse('another part of it came than was asked for')
  return 0
}

const asProblem = (error: unknown): SourceProblem =>
  error instanceof SourceProblem
    ? error
    : new SourceProblem(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`)

/** Gzip tells itself by its first two bytes, whatever the headers or the name say. */
async function* unpacked(raw: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    let first: Buffer = Buffer.alloc(0)
    while (first.length < 2) {
      const next = await raw.next()
      if (next.done === true) break
      first = Buffer.concat([first, next.value])
    }
    if (first[0] !== 0x1f || first[1] !== 0x8b) {
      yield first
      return yield* raw
    }
    yield* gunzipped(first, raw)
  } finally {
    // Who has read as much as they wanted has not ended it.
    await raw.return(undefined)
  }
}

async function* gunzipped(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip()
  const source = Readable.from(
    (async function* () {
      yield first
      yield* rest
    })(),
  )
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
