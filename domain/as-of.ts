/** Points in time as people write them: an instant, a position, or of one resource a version. */
import { type Position, parsePosition } from './position.js'

/** A position is digits and two hyphens; anything else is left to the store, which knows instants. */
export function readAsOf(text: string): string | Position {
  const position = parsePosition(text)
  return position._tag === 'Right' && !/^\d{4}-\d{2}-\d{2}$/.test(text) ? position.right : text
}

/** Digits alone are a version: no instant is so short. */
export const readRestorePoint = (text: string): string | Position | { readonly version: number } =>
  /^\d{1,15}$/.test(text) ? { version: Number(text) } : readAsOf(text)
