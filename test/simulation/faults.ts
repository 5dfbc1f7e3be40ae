/** Decides what goes wrong: for each call of a port one kind of fault or none, and now and then an outage. */
import { type AnnalsError, annalsError } from '../../domain/error.js'
import { type FaultKind, faultKinds, type Profile } from './profile.js'
import type { Random } from './random.js'

export type PortName = 'blobs' | 'pointers'

const decisive = { none: 4, late: 3, lost: 1, unavailable: 1, echo: 1 } as const

export interface PortCall {
  readonly port: PortName
  readonly operation: string
  readonly key: string
  readonly writes: boolean
}

export interface Faults {
  draw(process: string, call: PortCall): FaultKind | 'none'
  /** Milliseconds that a slow answer or a late request takes. */
  delay(kind: 'slow' | 'late'): number
  /** From now on nearly every call of this port fails, for one process or for all, for `ms`. */
  breakDown(): string
  /** From now on nothing goes wrong. */
  readonly stop: () => void
}

export function makeFaults(
  profile: Profile,
  random: Random,
  now: () => number,
  processes: () => ReadonlyArray<string>,
): Faults {
  let stopped = false
  let outage: { readonly port: PortName; readonly process?: string; readonly until: number } | undefined
  const kinds = Object.keys(faultKinds) as FaultKind[]

  function draw(process: string, call: PortCall): FaultKind | 'none' {
    if (stopped) return 'none'
    const out = outage !== undefined && outage.until > now() && outage.port === call.port
    if (out && (outage?.process ?? process) === process)
      return call.writes ? random.weighted({ unavailable: 8, late: 1, lost: 1 }) : 'unavailable'
    // What recovery does in a transaction vouches for all that it has done before, and no recovery comes often.
    if (process.startsWith('operator') && call.operation === 'transact') return random.weighted(decisive)
    const rates = process.startsWith('operator') ? profile.hardships : profile.faults
    let rest = random.next()
    for (const kind of kinds) {
      rest -= rates[kind]
      if (rest < 0) return faultKinds[kind] === 'both' || call.writes ? kind : 'none'
    }
    return 'none'
  }

  return {
    draw,
    delay: (kind) => (kind === 'slow' ? random.magnitude(0.5, 100) : random.magnitude(0.1, 1_500)),
    breakDown: () => {
      const port = random.pick(['blobs', 'pointers'] as const)
      const process = random.chance(0.5) ? random.pick(processes()) : undefined
      const ms = random.magnitude(5, 3_000)
      outage = { port, process, until: now() + ms * 1000 }
      return `${port} of ${process ?? 'all'} for ${Math.round(ms)} ms`
    },
    stop: () => {
      stopped = true
    },
  }
}

export const unavailable = ({ operation, key }: PortCall): AnnalsError =>
  annalsError('Unavailable', { operation, key, cause: 'simulated' })

export const refused = ({ operation, key }: PortCall): AnnalsError =>
  annalsError('StorageRefused', { operation, key, cause: 'simulated' })
