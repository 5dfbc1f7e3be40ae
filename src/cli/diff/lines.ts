/** Differences between two documents as a person reads them: one line each, with a sign, a JSON path and the values. */
import type { Colors } from '../io.js'
import { safe } from '../text.js'
import type { Change, ChangeOp } from './changes.js'

const signs: Readonly<Record<ChangeOp, string>> = { add: '+', remove: '-', change: '~' }
const paints: Readonly<Record<ChangeOp, 'green' | 'red' | 'yellow'>> = { add: 'green', remove: 'red', change: 'yellow' }

export function changeLine(colors: Colors, { path, op, before, after }: Change): string {
  const value = op === 'change' ? `${before} → ${after}` : (before ?? after ?? '')
  return colors[paints[op]](`${signs[op]} ${safe(path)}: ${safe(value)}`)
}

/** The values are JSON already. */
export function changeJson({ path, op, before, after }: Change): string {
  const values = [before === undefined ? '' : `,"before":${before}`, after === undefined ? '' : `,"after":${after}`]
  return `{"path":${JSON.stringify(path)},"op":"${op}"${values.join('')}}`
}
