/** Ports that follow a script: a test lets chosen calls fail, wait, or lose their answer, and sees every call. */
import * as E from 'fp-ts/lib/Either.js'
import { type AnnalsError, annalsError } from '../../domain/error.js'
import type { BlobStore, Item, ItemScan, PointerStore } from '../../domain/ports/index.js'

export interface Call {
  readonly method: string
  /** The object's key, or the item's `pk` and `sk`; of `putAll` and `getAll` those of every item. */
  readonly key: string
  readonly args: ReadonlyArray<unknown>
}

/** A call that waits for the test. */
export interface Held {
  /** Resolves when the call has come. */
  readonly arrived: Promise<Call>
  release(): void
}

export interface Script {
  readonly calls: ReadonlyArray<Call>
  /** Says what happens to the next calls of a method whose key matches. */
  on(method: string, key?: RegExp): Directions
  count(method?: string, key?: RegExp): number
  /** Forgets the calls so far. */
  reset(): void
  /** Forgets every direction. */
  heal(): void
}

export interface Directions {
  /** The call does nothing and answers the error (default: `Unavailable`). */
  fail(error?: AnnalsError, times?: number): void
  /** Every call that comes while the condition holds fails. */
  failWhen(condition: () => boolean): void
  /** The call happens, and its answer is lost. */
  loseAnswer(times?: number): void
  /** The call waits before it happens, or before it fails. */
  hold(error?: AnnalsError): Held
  /** The call happens, and its answer waits. */
  holdAnswer(): Held
  /** Something else happens just before the call. */
  before(act: () => Promise<unknown>): void
  /** Something else happens between the call and its answer. */
  after(act: () => Promise<unknown>): void
}

export const unavailable = annalsError('Unavailable', { operation: 'test', key: 'test', cause: 'socket closed' })
export const refused = annalsError('StorageRefused', { operation: 'test', key: 'test', cause: 'no permission' })

type Answer = E.Either<AnnalsError, unknown>
type Act = (proceed: () => Promise<Answer>, call: Call) => Promise<Answer>

interface Rule {
  readonly method: string
  readonly key: RegExp
  readonly act: Act
  times: number
}

type Playing = Script & { readonly play: Act }

export function makeScript(): Playing {
  const calls: Call[] = []
  let rules: Rule[] = []

  function on(method: string, key = /(?:)/): Directions {
    const add = (act: Act, times = 1): void => void rules.push({ method, key, act, times })
    return {
      fail: (error = unavailable, times) => add(async () => E.left(error), times),
      failWhen: (condition) =>
        add(async (proceed) => (condition() ? E.left(unavailable) : proceed()), Number.POSITIVE_INFINITY),
      loseAnswer: (times) => add((proceed) => proceed().then(() => E.left(unavailable)), times),
      hold(error) {
        const gate = makeGate()
        add((proceed, call) => gate.pass(call).then(error === undefined ? proceed : () => E.left(error)))
        return gate
      },
      holdAnswer() {
        const gate = makeGate()
        add(async (proceed, call) => {
          const answer = await proceed()
          await gate.pass(call)
          return answer
        })
        return gate
      },
      before: (act) => add((proceed) => act().then(proceed)),
      after: (act) =>
        add(async (proceed) => {
          const answer = await proceed()
          await act()
          return answer
        }),
    }
  }

  return {
    calls,
    on,
    count: (method, key) =>
      calls.filter(
        (call) => (method === undefined || call.method === method) && (key === undefined || key.test(call.key)),
      ).length,
    reset: () => void calls.splice(0),
    heal: () => {
      rules = []
    },
    play(proceed, call) {
      calls.push(call)
      const rule = rules.find(({ times, method, key }) => times > 0 && method === call.method && key.test(call.key))
      if (rule === undefined) return proceed()
      rule.times--
      return rule.act(proceed, call)
    },
  }
}

function makeGate(): Held & { pass(call: Call): Promise<void> } {
  let arrive: (call: Call) => void = () => undefined
  let release: () => void = () => undefined
  const arrived = new Promise<Call>((resolve) => {
    arrive = resolve
  })
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    arrived,
    release: () => release(),
    pass(call) {
      arrive(call)
      return released
    },
  }
}

export const scriptedBlobs = (blobs: BlobStore, script: Playing): BlobStore =>
  scripted(blobs, script, ([key]) => (Array.isArray(key) ? key.join(' ') : String(key)))

export const scriptedPointers = (pointers: PointerStore, script: Playing): PointerStore =>
  scripted(pointers, script, (args) => args.flat().map(itemKey).join(' '))

function itemKey(arg: unknown): string {
  if (typeof arg !== 'object' || arg === null) return String(arg)
  const { pk, sk, pkPrefixes } = arg as Partial<Item> & Partial<ItemScan>
  return [pk ?? pkPrefixes?.join(' '), sk].filter((part) => part !== undefined).join(' ')
}

type Port = Record<string, (...args: unknown[]) => () => Promise<Answer>>

function scripted<T extends object>(port: T, script: Playing, keyOf: (args: unknown[]) => string): T {
  const methods = Object.entries(port as Port).map(([method, call]) => [
    method,
    (...args: unknown[]) =>
      () =>
        script.play(call(...args), { method, key: keyOf(args), args }),
  ])
  return Object.fromEntries(methods) as T
}
