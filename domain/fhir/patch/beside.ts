/**
 * Edits that keep primitive values and what stands beside them together: the id and the extensions of `given[1]` are `_given[1]`, and
 * `_birthDate` those of `birthDate`.
 */
import { elementsOf, isArrayAt } from '../../body/index.js'
import { add, find, remove } from '../../patch/edit.js'
import { PathProblem } from './path.js'

export const nothing = Buffer.from('null')

/** An edit that was checked before. */
export function sure(edited: Uint8Array | string): Uint8Array {
  if (typeof edited === 'string') throw new PathProblem(edited)
  return edited
}

export const isThere = (bytes: Uint8Array, tokens: ReadonlyArray<string>): boolean => find(bytes, tokens) !== undefined

/** Without what may be there. */
export const without = (bytes: Uint8Array, tokens: ReadonlyArray<string>): Uint8Array =>
  isThere(bytes, tokens) ? sure(remove(bytes, tokens)) : bytes

/** Without a list that holds the places of its neighbour, and nothing else any more. */
export function withoutNulls(bytes: Uint8Array, list: ReadonlyArray<string>): Uint8Array {
  const span = find(bytes, list)
  if (span === undefined || !isArrayAt(bytes, span.start)) return bytes
  for (const { start } of elementsOf(bytes, span.start)) if (bytes[start] !== nothing[0]) return bytes
  return sure(remove(bytes, list))
}

/** How many elements the list at these tokens has; `undefined`: there is none. */
export function lengthOf(bytes: Uint8Array, tokens: ReadonlyArray<string>): number | undefined {
  const list = find(bytes, tokens)
  return list !== undefined && isArrayAt(bytes, list.start) ? [...elementsOf(bytes, list.start)].length : undefined
}

/** The tokens of what stands beside an element of primitive values. */
export const besideOf = (tokens: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = tokens.findLastIndex((token) => !/^\d+$/.test(token))
  return [...tokens.slice(0, at), `_${tokens[at]}`, ...tokens.slice(at + 1)]
}

/** The list beside a list of primitive values, as long as that one. */
export function alignedBeside(bytes: Uint8Array, list: ReadonlyArray<string>): Uint8Array {
  const beside = besideOf(list)
  let edited = isThere(bytes, beside) ? bytes : sure(add(bytes, beside, Buffer.from('[]')))
  for (let n = lengthOf(edited, beside) ?? 0; n < (lengthOf(edited, list) ?? 0); n++)
    edited = sure(add(edited, [...beside, '-'], nothing))
  return edited
}

/** Puts a value into a list, and what stands beside it into the list beside. */
export function put(
  bytes: Uint8Array,
  list: ReadonlyArray<string>,
  index: number,
  content: Uint8Array,
  beside: Uint8Array | undefined,
): Uint8Array {
  const hasBeside = isThere(bytes, besideOf(list))
  const aligned = hasBeside || beside !== undefined ? alignedBeside(bytes, list) : bytes
  const edited = sure(add(aligned, [...list, String(index)], content))
  if (!hasBeside && beside === undefined) return edited
  return sure(add(edited, [...besideOf(list), String(index)], beside ?? nothing))
}
