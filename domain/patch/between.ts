/** The JSON Patch (RFC 6902) that makes one document of another, token by token. */
import { type Difference, differencesBetween } from './differences.js'
import { maxPatchOperations, maxPatchRead } from './json-patch.js'

/** As fine as the bounds of a patch allow: beyond it, whole members of the root are replaced, or all of it. */
export function jsonPatchBetween(before: Uint8Array, after: Uint8Array): Buffer {
  for (const depth of [Number.POSITIVE_INFINITY, 1, 0]) {
    const differences = few(differencesBetween(before, after, depth))
    if (differences === undefined) continue
    if (depth === 0 || differences.length * (before.length + after.length) <= maxPatchRead)
      return encoded(inOrder(differences))
  }
  throw new TypeError('a root is one difference at most')
}

/** `undefined`: more than one patch holds. */
export function few<A>(differences: Iterable<A>): A[] | undefined {
  const found: A[] = []
  for (const difference of differences) if (found.push(difference) > maxPatchOperations) return undefined
  return found
}

/** Elements are removed behind everything else and last first, so that no place moves before its turn. */
function inOrder(differences: ReadonlyArray<Difference>): ReadonlyArray<Difference> {
  const isRemoval = ({ path, after }: Difference): boolean => after === undefined && typeof path.at(-1) === 'number'
  return [...differences.filter((each) => !isRemoval(each)), ...differences.filter(isRemoval).reverse()]
}

function encoded(differences: ReadonlyArray<Difference>): Buffer {
  const parts = differences.flatMap(({ path, before, after }, i) => {
    const op = before === undefined ? 'add' : after === undefined ? 'remove' : 'replace'
    const lead = `${i === 0 ? '' : ','}{"op":"${op}","path":${JSON.stringify(pointerOf(path))}`
    return after === undefined ? [Buffer.from(`${lead}}`)] : [Buffer.from(`${lead},"value":`), after, Buffer.from('}')]
  })
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')])
}

const pointerOf = (path: Difference['path']): string =>
  path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
