/** The fault that ended a scan. One at a time: a scan is synchronous, and its first fault is its last. */
import { MAX_DEPTH } from './names.js'

const problems = {
  empty: 'it is empty; send a JSON object',
  mark: 'it starts with a byte-order mark; send UTF-8 without one',
  encoding: 'these bytes are not UTF-8; encode the body as UTF-8',
  root: 'the body has to be one JSON object; start it with {',
  ended: 'it ends too early; send the whole object',
  trailing: 'something follows the end of the object; send one object alone',
  name: 'a member name in double quotes has to stand here; remove a comma before } or add the quotes',
  colon: 'a colon has to follow the member name; add it',
  value: 'a JSON value has to stand here; add one or remove what asks for it',
  literal: 'this is no JSON value; put text in double quotes, or write true, false or null',
  next: 'a comma or the closing bracket has to stand here; add it',
  number: 'this is no JSON number; write digits, and digits after a point and after an exponent',
  zero: 'a number must not start with a needless 0; remove it',
  control: 'a control character stands in a string; write it as an escape, such as \\n or \\u0001',
  escape: 'this is no JSON escape; write \\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and four hex digits',
  surrogate: 'this is half of a surrogate pair; write both halves, or the character itself',
  duplicate: 'this member name occurs twice in its object; keep one of them',
  depth: `objects and arrays are nested more than ${MAX_DEPTH} levels deep; flatten them`,
} as const

export const fault: { problem: keyof typeof problems; offset: number } = { problem: 'empty', offset: 0 }

/** Notes the fault. A body that ended is told so, whatever was expected at its end. */
export function failAt(problem: keyof typeof problems, offset: number, length: number): -1 {
  fault.problem = offset < length || problem === 'empty' ? problem : 'ended'
  fault.offset = offset
  return -1
}

export const faultText = (): string => problems[fault.problem]
