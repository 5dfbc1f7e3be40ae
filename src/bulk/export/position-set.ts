/**
 * A set of places in one log, each packed into one number: open addressing, so that a place costs 8 bytes and half a slot, and
 * nothing is allocated for it.
 */

/**
 * Events that a commit can have: its header line is one text, of less than 2^29 characters, and an event takes more than 64 of them.
 * That leaves room for 2^30 commits.
 */
const indexes = 2 ** 23

export const packPosition = (seq: number, index: number): number => seq * indexes + index
export const seqOf = (packed: number): number => Math.floor(packed / indexes)
export const indexOf = (packed: number): number => packed % indexes

export interface PositionSet {
  readonly size: number
  add(packed: number): void
  /** Answers whether it was there. */
  remove(packed: number): boolean
  /** From the newest to the oldest. */
  all(): ReadonlyArray<number>
}

const firstSlots = 1024
/** The part of the slots that may be taken. */
const maxLoad = 0.7

/** No place is 0: commits are counted from 1. */
const free = 0

export function makePositionSet(): PositionSet {
  let slots = new Float64Array(firstSlots)
  let mask = firstSlots - 1
  let shift = 32 - Math.log2(firstSlots)
  let size = 0

  const homeOf = (packed: number): number => {
    const high = Math.floor(packed / 4294967296)
    return (Math.imul((packed >>> 0) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> shift) & mask
  }

  /** Its slot, or the one in which it would stand. */
  function slotOf(packed: number): number {
    let slot = homeOf(packed)
    while (slots[slot] !== free && slots[slot] !== packed) slot = (slot + 1) & mask
    return slot
  }

  function grow(): void {
    const before = slots
    slots = new Float64Array(before.length * 2)
    mask = slots.length - 1
    shift--
    for (const packed of before) if (packed !== free) slots[slotOf(packed)] = packed
  }

  /** What stands behind the gap moves up, as far as it was only waiting for it. */
  function close(gap: number): void {
    let empty = gap
    for (let slot = (gap + 1) & mask; slots[slot] !== free; slot = (slot + 1) & mask) {
      const home = homeOf(slots[slot] as number)
      if (((slot - home) & mask) < ((slot - empty) & mask)) continue
      slots[empty] = slots[slot] as number
      empty = slot
    }
    slots[empty] = free
  }

  return {
    get size() {
      return size
    },
    add(packed) {
      const slot = slotOf(packed)
      if (slots[slot] === packed) return
      slots[slot] = packed
      if (++size > slots.length * maxLoad) grow()
    },
    remove(packed) {
      const slot = slotOf(packed)
      if (slots[slot] === free) return false
      close(slot)
      size--
      return true
    },
    all: () => [...slots.filter((packed) => packed !== free)].sort((a, b) => b - a),
  }
}
