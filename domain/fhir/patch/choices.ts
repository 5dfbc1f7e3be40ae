/** Choices such as `value[x]`: JSON names them with the type of their value, paths without it. */
import { isChoice, type Place } from './elements.js'
import { isOpenType } from './types.js'

export interface Choice {
  /** As a path names it. */
  readonly name: string
  /** The type behind it, such as `Quantity`; `undefined`: the member is no choice. */
  readonly chosen: string | undefined
}

/** Of a member that is no list: no choice repeats, and some lists are named like one (`Procedure.usedCode`). */
export function choiceOf(member: string, place: Place): Choice {
  for (let end = member.length - 1; end > 0; end--) {
    const name = member.slice(0, end)
    if (isTypeOf(member, name, place)) return { name, chosen: member.slice(end) }
  }
  return { name: member, chosen: undefined }
}

/** Whether a member is the choice of this name, with a type behind it. */
export const isTypeOf = (member: string, name: string, place: Place): boolean =>
  member.startsWith(name) &&
  /^[A-Z]/.test(member.slice(name.length)) &&
  isOpenType(member.slice(name.length)) &&
  isChoice(name, place)
