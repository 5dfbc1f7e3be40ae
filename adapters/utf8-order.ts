/**
 * The order of UTF-8 bytes, on strings that were never encoded.
 *
 * JavaScript compares UTF-16 code units. That is the same order, except that surrogate pairs (U+10000 and above) come
 * before U+E000 to U+FFFF there, and after them here.
 */

const firstSurrogate = 0xd800
const afterSurrogates = 0xe000

export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return x >= firstSurrogate && y >= firstSurrogate ? rank(x) - rank(y) : x - y
  }
  return a.length - b.length
}

const rank = (unit: number): number => (unit < afterSurrogates ? unit + 0x10000 : unit)

/** The first index of `sorted` whose key is not below `key`, or with `after` the first whose key is above it. */
export function lowerBound(sorted: ReadonlyArray<string>, key: string, after = false): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareUtf8(sorted[middle] as string, key)
    if (order < 0 || (after && order === 0)) low = middle + 1
    else high = middle
  }
  return low
}
