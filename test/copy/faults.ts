/** Ports whose calls are counted, told to a test, and broken by it. */
import * as E from 'fp-ts/lib/Either.js'
import type { AnnalsError } from '../../domain/error.js'
import { storeManifestKey } from '../../domain/keys.js'
import type { Item } from '../../domain/ports/index.js'
import { unavailable } from '../protocol/script.js'
import type { Through } from '../store/processes.js'

export interface Call {
  readonly method: string
  /** The object's key, or the `pk`s of the items. */
  readonly key: string
}

type Answer = E.Either<AnnalsError, unknown>
/** What becomes of a call. */
export type Fate = (call: Call, proceed: () => Promise<Answer>) => Promise<Answer>
type Port = Record<string, (...args: unknown[]) => () => Promise<Answer>>

/** Both ports of a place, with every call in the hands of a test. */
export function through(fate: Fate): Pick<Through, 'blobs' | 'pointers'> {
  const wrap = <P extends object>(port: P): P =>
    Object.fromEntries(
      Object.entries(port as unknown as Port).map(([method, call]) => [
        method,
        (...args: unknown[]) =>
          () =>
            fate({ method, key: keyOf(args[0]) }, call(...args)),
      ]),
    ) as unknown as P
  return { blobs: wrap, pointers: wrap }
}

function keyOf(arg: unknown): string {
  if (Array.isArray(arg)) return arg.map(keyOf).join(' ')
  return typeof arg === 'string' ? arg : ((arg as Partial<Item>)?.pk ?? '')
}

/** Every call, in order, and none of them broken. */
export function watched(): { readonly calls: Call[]; readonly ports: Pick<Through, 'blobs' | 'pointers'> } {
  const calls: Call[] = []
  const ports = through((call, proceed) => {
    calls.push(call)
    return proceed()
  })
  return { calls, ports }
}

/** The process dies at one of the calls of its copy, before or after it has happened: no later call happens. */
export function dyingAt(step: number, happens: boolean) {
  let calls = 0
  const ports = through(async ({ key }, proceed) => {
    // Of opening the store.
    if (key === storeManifestKey) return proceed()
    const call = calls++
    if (call < step) return proceed()
    if (call === step && happens) await proceed()
    return E.left(unavailable)
  })
  return { ports, hasDied: () => calls > step }
}

/** At a call everything stops for ever, before or after it has happened. `died` resolves then. */
export function dying(at: number, happens: boolean) {
  let calls = 0
  let tell = (): void => undefined
  const died = new Promise<'died'>((resolve) => {
    tell = () => resolve('died')
  })
  const fate: Fate = async ({ key }, proceed) => {
    if (key === storeManifestKey) return proceed()
    const call = calls++
    if (call < at) return proceed()
    if (call === at && happens) await proceed()
    tell()
    return new Promise(() => undefined)
  }
  return { fate, died, isDead: () => calls > at }
}

/** Lets everything happen until it is told; then it waits for ever, or until it is woken. */
export function pausing(isMeant: (method: string, key: string) => boolean) {
  let [wake, tell] = [(): void => undefined, (): void => undefined]
  const woken = new Promise<void>((resolve) => {
    wake = resolve
  })
  const paused = new Promise<void>((resolve) => {
    tell = resolve
  })
  let isPaused = false
  const fate: Fate = async ({ method, key }, proceed) => {
    isPaused ||= isMeant(method, key)
    if (!isPaused) return proceed()
    tell()
    await woken
    return proceed()
  }
  return { fate, paused, wake }
}
