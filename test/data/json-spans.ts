/**
 * Finds values in JSON text by their offsets, without making them: an oracle of the tests that shares no code with the
 * store. The text is a file's bytes as latin1, so that offsets are those of bytes.
 */

/** From `start` to `end`, exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface MemberSpan extends Span {
  readonly name: string
  readonly value: Span
}

const token = /[\s]*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{}:,])/y

function tokenAt(text: string, from: number): Span & { readonly text: string } {
  token.lastIndex = from
  const found = token.exec(text)
  if (found === null) throw new Error(`no JSON at ${from}`)
  const value = found[1] as string
  return { text: value, start: token.lastIndex - value.length, end: token.lastIndex }
}

/** The value that begins at `from` or behind its spaces. */
export function valueAt(text: string, from: number): Span {
  const first = tokenAt(text, from)
  if (first.text !== '{' && first.text !== '[') return first
  let depth = 1
  let end = first.end
  while (depth > 0) {
    const next = tokenAt(text, end)
    if (next.text === '{' || next.text === '[') depth++
    if (next.text === '}' || next.text === ']') depth--
    end = next.end
  }
  return { start: first.start, end }
}

export function membersOf(text: string, object: Span): MemberSpan[] {
  const members: MemberSpan[] = []
  for (let at = object.start + 1; ; ) {
    const name = tokenAt(text, at)
    if (name.text === '}') return members
    const value = valueAt(text, tokenAt(text, name.end).end)
    members.push({ name: JSON.parse(name.text), start: name.start, end: value.end, value })
    const next = tokenAt(text, value.end)
    if (next.text === '}') return members
    at = next.end
  }
}

export function elementsOf(text: string, array: Span): Span[] {
  const elements: Span[] = []
  if (tokenAt(text, array.start + 1).text === ']') return elements
  for (let at = array.start + 1; ; ) {
    const value = valueAt(text, at)
    elements.push(value)
    const next = tokenAt(text, value.end)
    if (next.text === ']') return elements
    at = next.end
  }
}

export const member = (text: string, object: Span, name: string): MemberSpan | undefined =>
  membersOf(text, object).find((each) => each.name === name)

/** Every token with the spaces before it. */
export function tokensOf(text: string): ReadonlyArray<Span & { readonly text: string }> {
  const tokens = []
  for (let at = 0; at < text.trimEnd().length; ) {
    const next = tokenAt(text, at)
    tokens.push(next)
    at = next.end
  }
  return tokens
}
