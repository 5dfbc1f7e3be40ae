/** The resources of the data that stands beside the checkout, each with its bytes as published. */
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { elementsOf, member, type Span, valueAt } from './json-spans.js'

const folder = fileURLToPath(new URL('../../../shared/data/', import.meta.url))
const synthea = join(folder, 'synthea')

/** Why the tests cannot run; `undefined` where the data is. */
export const missing: string | undefined = fs.existsSync(synthea)
  ? undefined
  : 'skipped: the HL7 and Synthea examples (shared/data beside the checkout) are not here'

const isCommon = (name: string): boolean => /^\d-(hospital|practitioner)/.test(name)

/** Files in the order in which they are loaded: hospitals and practitioners before the patients who name them. */
export function files(): { readonly common: string[]; readonly others: string[] } {
  const names = fs.readdirSync(synthea).filter((name) => name.endsWith('.json.gz'))
  const paths = (some: string[]): string[] => some.sort().map((name) => join(synthea, name))
  return {
    common: paths(names.filter(isCommon)),
    others: [...paths(names.filter((name) => !isCommon(name))), join(folder, 'hl7-r4-examples.ndjson.gz')],
  }
}

export interface SourceResource {
  readonly type: string
  readonly id: string
  /** Latin1: one character a byte. */
  readonly text: string
}

export function resourcesOf(path: string): SourceResource[] {
  const text = textOf(path)
  return path.endsWith('.ndjson.gz')
    ? lineSpans(text).map(({ start, end }) => resource(text.slice(start, end)))
    : resourcesIn(text)
}

/** What a file holds, latin1. */
export const textOf = (path: string): string => gunzipSync(fs.readFileSync(path)).toString('latin1')

/** The resources of a Bundle, latin1, entry by entry. */
export const resourcesIn = (text: string): SourceResource[] =>
  entrySpans(text).map(({ start, end }) => resource(text.slice(start, end)))

function resource(text: string): SourceResource {
  const { resourceType: type, id } = JSON.parse(Buffer.from(text, 'latin1').toString('utf8'))
  return { type, id, text }
}

const lineSpans = (text: string): Span[] =>
  [...text.matchAll(/[^\n]+/g)].map(({ 0: line, index }) => ({ start: index, end: index + line.length }))

function entrySpans(text: string): Span[] {
  const entries = member(text, valueAt(text, 0), 'entry')
  if (entries === undefined) throw new Error('the file is no Bundle')
  return elementsOf(text, entries.value).map((entry) => member(text, entry, 'resource')?.value as Span)
}
