/** What is acceptable, said a second time and in another way: by regular expressions and `JSON.parse`. */

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/gs

export const tokensOf = (text: string): string[] => text.match(token) ?? []

export const numbersOf = (text: string): string[] => tokensOf(text).filter((t) => /^[-0-9]/.test(t))

export function isAcceptable(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false
    return hasGoodNamesAndStrings(tokensOf(text))
  } catch {
    return false
  }
}

function hasGoodNamesAndStrings(tokens: string[]): boolean {
  const names: Array<Set<string>> = []
  for (const [i, t] of tokens.entries()) {
    if (t === '{' || t === '[') names.push(new Set())
    else if (t === '}' || t === ']') names.pop()
    else if (t.startsWith('"')) {
      const text = JSON.parse(t) as string
      if (/\p{Surrogate}/u.test(text)) return false
      if (tokens[i + 1] !== ':') continue
      if (names.at(-1)!.has(text)) return false
      names.at(-1)!.add(text)
    }
    if (names.length > 512) return false
  }
  return true
}
