/** What happened, line by line: always as a hash, so that two runs of a seed can be compared, and as text where asked. */

export interface Trace {
  add(line: string): void
  hash(): string
  readonly lines: ReadonlyArray<string>
}

export function makeTrace(keep: boolean): Trace {
  const lines: string[] = []
  // cyrb53 (bryc): two multiplicative hashes side by side.
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  return {
    lines,
    add: (line) => {
      for (let i = 0; i < line.length; i++) {
        const unit = line.charCodeAt(i)
        high = Math.imul(high ^ unit, 0x9e3779b1)
        low = Math.imul(low ^ unit, 0x5f356495)
      }
      if (keep) lines.push(line)
    },
    hash: () => hex(high ^ (low >>> 15)) + hex(low ^ (high >>> 13)),
  }
}

const hex = (bits: number): string => (bits >>> 0).toString(16).padStart(8, '0')
