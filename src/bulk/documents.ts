/** Small JSON documents beside the log that move by compare-and-set: the states of bulk jobs. */
import * as E from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { PathReporter } from 'io-ts/lib/PathReporter.js'
import { annalsError } from '../../domain/error.js'
import type { BlobStore } from '../../domain/ports/index.js'
import { run } from '../../domain/task.js'

export interface Documents<A extends { readonly format: string }> {
  read(key: string): Promise<A | undefined>
  /** Writes it if there is none; answers the one that stands then. */
  create(key: string, document: A): Promise<A>
  /** Moves it on, whoever else does at the same time. `undefined` leaves it as it is. Answers the one that stands then. */
  change(key: string, next: (current: A) => A | undefined): Promise<A>
  /** The same where there may be none: `undefined` then. */
  changeAny(key: string, next: (current: A) => A | undefined): Promise<A | undefined>
}

export function makeDocuments<A extends { readonly format: string }>(
  blobs: BlobStore,
  codec: t.Type<A, unknown>,
  format: string,
): Documents<A> {
  async function readWithTag(key: string): Promise<{ readonly document: A; readonly etag: string } | undefined> {
    const found = await run(blobs.get(key))
    return found && { document: decoded(key, found.bytes), etag: found.etag }
  }

  function decoded(key: string, bytes: Uint8Array): A {
    let parsed: unknown
    try {
      parsed = JSON.parse(Buffer.from(bytes).toString('utf8'))
    } catch {
      throw annalsError('Corrupt', { key, problem: 'it is no JSON' })
    }
    const said = (parsed as { format?: unknown } | null)?.format
    if (typeof said === 'string' && said !== format)
      throw annalsError('UnsupportedFormat', { key, format: said, supported: format })
    const result = codec.decode(parsed)
    if (E.isRight(result)) return result.right
    throw annalsError('Corrupt', { key, problem: PathReporter.report(result).map(withoutValue).join('; ') })
  }

  async function changeAny(key: string, next: (current: A) => A | undefined): Promise<A | undefined> {
    for (;;) {
      const found = await readWithTag(key)
      if (found === undefined) return undefined
      const document = next(found.document)
      if (document === undefined) return found.document
      if ((await run(blobs.replaceIfMatch(key, encoded(document), found.etag))) === 'replaced') return document
    }
  }

  return {
    read: async (key) => (await readWithTag(key))?.document,
    async create(key, document) {
      await run(blobs.createIfAbsent(key, encoded(document)))
      return (await readWithTag(key))?.document ?? document
    },
    async change(key, next) {
      const changed = await changeAny(key, next)
      if (changed === undefined) throw annalsError('Corrupt', { key, problem: 'it is missing' })
      return changed
    },
    changeAny,
  }
}

const encoded = (document: object): Uint8Array => Buffer.from(`${JSON.stringify(document)}\n`)

/** A report quotes what it found: of a state that may be anything. */
const withoutValue = (report: string): string => report.replace(/^Invalid value .*? supplied to/, 'unexpected value at')
