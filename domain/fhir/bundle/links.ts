/**
 * Links in a resource, found and replaced in its bytes: every other byte stays. A link is a reference, a uri, or an `href`
 * or `src` of the narrative. (FHIR R4, Transaction: replacing hyperlinks and full URLs)
 */
import { asBuffer } from '../../body/bytes.js'
import { type Span, textAt, visitTexts } from '../../body/index.js'
import type { FhirVersion } from '../version.js'
import { mayLink } from './link-names.js'
import { conditionalReference } from './resolve.js'

export interface Link extends Span {
  /** `reference`: `Reference.reference`, which alone may be a condition. `narrative`: XHTML, which may hold several. */
  readonly kind: 'reference' | 'uri' | 'narrative'
  readonly text: string
}

/** What stands in the place of a link; `undefined`: the link stays. */
export type Resolve = (link: string) => string | undefined

/** Links of a resource that begins at the first byte. */
export function linksOf(resource: Uint8Array, type: string, fhirVersion: FhirVersion): Link[] {
  const links: Link[] = []
  visitTexts(resource, 0, type, (name, parent, span) => {
    const kind = name === 'div' && parent === 'text' ? 'narrative' : name === 'reference' ? 'reference' : 'uri'
    if (kind === 'uri' && !mayLink(name, parent, fhirVersion)) return
    const text = textAt(resource, span) as string
    if (kind !== 'narrative' || attribute.test(text)) links.push({ kind, text, start: span.start, end: span.end })
  })
  return links
}

/** The references that are conditions. In bytes without a question mark, plain or escaped, nothing has to be looked for. */
export function conditionalLinksOf(resource: Uint8Array, type: string): Link[] {
  const bytes = asBuffer(resource)
  if (!bytes.includes('?') && !bytes.includes('\\')) return []
  const links: Link[] = []
  visitTexts(resource, 0, type, (name, _, span) => {
    const text = name === 'reference' ? textAt(resource, span) : undefined
    if (text !== undefined && conditionalReference.test(text)) links.push({ kind: 'reference', text, ...span })
  })
  return links
}

/** The resource with its links replaced; the same bytes where there is none to replace. */
export function replaceLinks(resource: Uint8Array, links: ReadonlyArray<Link>, resolve: Resolve): Uint8Array {
  const parts: Uint8Array[] = []
  let from = 0
  for (const link of links) {
    const text = link.kind === 'narrative' ? replaceInNarrative(link.text, resolve) : resolve(link.text)
    if (text === undefined || text === link.text) continue
    parts.push(resource.subarray(from, link.start), Buffer.from(JSON.stringify(text)))
    from = link.end
  }
  if (from === 0) return resource
  parts.push(resource.subarray(from))
  return asBuffer(Buffer.concat(parts))
}

const attribute = /\b(?:href|src)\s*=/
const attributes = /(\b(?:href|src)\s*=\s*)("[^"]*"|'[^']*')/g

const replaceInNarrative = (div: string, resolve: Resolve): string =>
  div.replace(attributes, (whole: string, before: string, quoted: string) => {
    const [, link = '', fragment = ''] = linkAndFragment.exec(quoted.slice(1, -1)) ?? []
    const text = resolve(decodeXml(link))
    return text === undefined ? whole : `${before}${quoted[0]}${text}${fragment}${quoted[0]}`
  })

/** A fragment stays as it is written: in `&#38;` there is none. */
const linkAndFragment = /^(.*?)((?<!&)#.*)?$/s

/** Of a URL, only the ampersand has to be written otherwise in XHTML. */
const decodeXml = (text: string): string => text.replaceAll('&amp;', '&')
