/** An instant or a position, as written on a command line. */
import { type AsOf, parsePosition } from '../index.js'

/** A position is digits and two hyphens; anything else is left to the store, which knows instants. */
export function asOf(text: string): AsOf {
  const position = parsePosition(text)
  return position._tag === 'Right' && !/^\d{4}-\d{2}-\d{2}$/.test(text) ? position.right : text
}
