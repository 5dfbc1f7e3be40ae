/** Reads the resources of one source, a chunk at a time: each with its identity and its place, or with what is wrong. */
import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { scanBody } from '../../../domain/body/index.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { type Line, linesOf } from '../../../domain/lines.js'
import { isAnnalsError } from '../../index.js'
import { type Part, partsOf } from './document.js'
import { type Format, formatOf, isEnough } from './format.js'
import { type Identity, type IdentityRules, identify } from './identity.js'
import { openSource, type Source } from './sources.js'
import { skipSpace } from './walk.js'

/** The longest line. Longer ones are reported and passed over. */
const maxLineBytes = 64 * 1024 * 1024
/** The largest source that is one document: it is read whole. Lines have no such bound. */
const maxDocumentBytes = 1024 * 1024 * 1024

const lineEnd = 10

/** Where a resource stands, and where the source goes on behind it. */
export interface Place {
  /** The source's name. */
  readonly source: string
  readonly line: number
  /** Plain bytes of the source up to the end of the resource. */
  readonly end: number
  /** Index in a Bundle, from 0. */
  readonly entry?: number
  /** Line and column in the source of an offset in the resource; without it, the resource is one line. */
  readonly locate?: (offset: number) => { readonly line: number; readonly column: number }
}

export interface Found {
  readonly identity: Identity
  readonly body: Buffer
  readonly place: Place
}

export interface Bad {
  readonly error: AnnalsError
  readonly place: Place
}

/** Where an earlier load of the same source came to. */
export interface Start {
  readonly offset: number
  readonly line: number
  readonly format: Format
}

export interface Reading {
  readonly format: Format
  readonly resources: AsyncIterable<ReadonlyArray<Found | Bad>>
  /** Bytes read of the file as it is on disk. */
  consumed(): number
  close(): void
}

export async function readSource(
  source: Source,
  rules: IdentityRules,
  stdin: Readable,
  start: Start | undefined,
): Promise<Reading> {
  const { name } = source
  const skip = start?.format === 'lines' ? start.offset : 0
  const { chunks, consumed, close } = await openSource(source, stdin, skip)
  const { head, rest } = await readHead(chunks[Symbol.asyncIterator](), start !== undefined)
  const format = start?.format ?? formatOf(head, name)
  const deps = { name, rules, chunks: rest }
  const resources = format === 'lines' ? readLines(deps, start) : readDocument(deps, start?.offset ?? 0)
  return { format, resources: withoutThrow(name, resources), consumed, close }
}

interface ReadDeps {
  readonly name: string
  readonly rules: IdentityRules
  readonly chunks: AsyncIterable<Buffer>
}

type Resources = AsyncGenerator<ReadonlyArray<Found | Bad>>

/** A source that cannot be read on (a disk error, a damaged gzip) is one bad entry: other sources may be well. */
async function* withoutThrow(name: string, resources: Resources): Resources {
  let line = 1
  try {
    for await (const some of resources) {
      yield some
      const last = some.at(-1)?.place
      if (last !== undefined && last.locate === undefined) line = last.line
    }
  } catch (error) {
    yield [unreadable(name, line, error)]
  }
}

/** A defect stays one: only errors of the system and of zlib have a code. */
export function unreadable(source: string, line: number, error: unknown): Bad {
  const { code, message } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') throw error
  const problem = `it cannot be read any further (${message})`
  return { error: annalsError('InvalidInput', { what: source, problem }), place: { source, line, end: 0 } }
}

interface Head {
  readonly head: Buffer
  readonly rest: AsyncIterable<Buffer>
}

/** Reads until the format can be told, and gives all of it again. */
async function readHead(chunks: AsyncIterator<Buffer>, isKnown: boolean): Promise<Head> {
  const read: Buffer[] = []
  let size = 0
  let hasLineEnd = false
  while (!isKnown && size <= maxLineBytes) {
    const next = await chunks.next()
    if (next.done) break
    read.push(next.value)
    size += next.value.length
    hasLineEnd ||= next.value.includes(lineEnd)
    if (hasLineEnd && isEnough(Buffer.concat(read, size))) break
  }
  const head = read.length === 1 ? (read[0] as Buffer) : Buffer.concat(read, size)
  async function* rest(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }
  return { head, rest: rest() }
}

async function* readLines({ name, rules, chunks }: ReadDeps, start: Start | undefined): Resources {
  const bad: Bad[] = []
  const onTooLong = (line: number, actual: number, end: number): void => {
    const error = annalsError('LimitExceeded', { what: 'the line', limit: maxLineBytes, actual, unit: 'bytes' })
    bad.push({ error, place: { source: name, line, end } })
  }
  const ofLine = ({ bytes, number, end }: Line): Found | Bad =>
    found(rules, bytes, { source: name, line: number, end }, undefined)
  for await (const lines of linesOf(chunks, { maxBytes: maxLineBytes, onTooLong, ...start }))
    yield [...bad.splice(0), ...lines.map(ofLine)]
  if (bad.length > 0) yield bad
}

function found(rules: IdentityRules, body: Buffer, place: Place, urn: string | undefined): Found | Bad {
  const identity = identify(rules, body, urn)
  return isAnnalsError(identity) ? { error: identity, place } : { identity, body, place }
}

/** Parts of a document that are handed on together. */
const partsAtOnce = 1_000

async function* readDocument({ name, rules, chunks }: ReadDeps, offset: number): Resources {
  const document = await readWhole(chunks)
  if (isAnnalsError(document)) {
    yield [{ error: document, place: { source: name, line: 1, end: 0 } }]
    return
  }
  if (skipSpace(document, 0) === document.length) return
  const locate = locator(document)
  const divided = partsOf(document, rules.kind === 'fhir')
  if (divided.kind === 'broken') {
    yield [{ error: brokenBecause(document), place: { source: name, line: 1, end: document.length, locate } }]
    return
  }
  const ofPart = ({ start, end, entry, urn }: Part): Found | Bad => {
    const body = document.subarray(start, end)
    return found(rules, body, placeOf(name, locate, start, end, entry), urn)
  }
  const parts = divided.parts.filter(({ end }) => end > offset)
  for (let i = 0; i < parts.length; i += partsAtOnce) yield parts.slice(i, i + partsAtOnce).map(ofPart)
}

function brokenBecause(document: Buffer): AnnalsError {
  const scanned = scanBody(document)
  if (scanned._tag === 'Left') return scanned.left
  return annalsError('InvalidInput', { what: 'the document', problem: 'it is malformed' })
}

/** Lines are counted when somebody asks: for a resource that is not acceptable. */
const placeOf = (source: string, locate: Locate, start: number, end: number, entry: number | undefined): Place => ({
  source,
  get line() {
    return locate(start).line
  },
  end,
  entry,
  locate: (offset) => locate(start + offset),
})

type Locate = (offset: number) => { line: number; column: number }

const locator =
  (document: Buffer): Locate =>
  (offset) => {
    let line = 1
    let lineStart = 0
    for (let i = document.indexOf(10); i >= 0 && i < offset; i = document.indexOf(10, i + 1)) {
      line++
      lineStart = i + 1
    }
    return { line, column: [...document.toString('utf8', lineStart, offset)].length + 1 }
  }

async function readWhole(chunks: AsyncIterable<Buffer>): Promise<Buffer | AnnalsError> {
  const limit = maxDocumentBytes
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    size += chunk.length
    if (size > limit) return annalsError('LimitExceeded', { what: 'the document', limit, actual: size, unit: 'bytes' })
  }
  return Buffer.concat(parts, size)
}
