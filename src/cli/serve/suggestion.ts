/** What somebody may have meant who wrote a name that is not known. */

/** `; did you mean port?`, or nothing where no name is near. */
export function suggestionFor(given: string, known: ReadonlyArray<string>): string {
  const nearest = known
    .map((name) => ({ name, far: distance(given.slice(0, 64).toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0]
  if (nearest === undefined || nearest.far > Math.max(2, nearest.name.length / 3)) return ''
  return `; did you mean ${nearest.name}?`
}

/** How many letters are to be put in, left out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
