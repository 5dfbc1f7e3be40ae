/** Takes the stamp out of a stored body, so that what is left can be held against what was given, byte by byte. */
import { member, type Span, tokensOf, valueAt } from './json-spans.js'

export interface Stamp {
  readonly versionId: string
  readonly lastUpdated: string
}

/**
 * The two texts, latin1, which are equal if the store has set nothing but the stamp: `given` on one line and with its
 * own stamp replaced where it had one, `stored` without the members that were added.
 */
export function comparable(given: string, stored: string, stamp: Stamp): { given: string; stored: string } {
  let expected = onOneLine(given.trim())
  let actual = stored
  const hadMeta = member(expected, valueAt(expected, 0), 'meta') !== undefined
  for (const [name, text] of Object.entries(stamp)) {
    const value = JSON.stringify(text)
    const replaced = stampedMember(expected, name)
    if (replaced === undefined) actual = without(actual, `${JSON.stringify(name)}:${value}`)
    else expected = expected.slice(0, replaced.start) + value + expected.slice(replaced.end)
  }
  return { given: expected, stored: hadMeta ? actual : without(actual, '"meta":{}') }
}

function stampedMember(text: string, name: string): Span | undefined {
  const meta = member(text, valueAt(text, 0), 'meta')
  return meta && member(text, meta.value, name)?.value
}

/** Newlines between tokens become spaces. */
function onOneLine(text: string): string {
  let at = 0
  let line = ''
  for (const token of tokensOf(text)) {
    line += text.slice(at, token.start).replace(/[\r\n]/g, ' ') + token.text
    at = token.end
  }
  return line
}

/** Removes an added member with the one comma that came with it. */
function without(text: string, added: string): string {
  for (const spelt of [`,${added}`, `${added},`, added]) {
    const at = text.indexOf(spelt)
    if (at >= 0) return text.slice(0, at) + text.slice(at + spelt.length)
  }
  return text
}
