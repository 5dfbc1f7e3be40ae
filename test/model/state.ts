/** What exists at one moment of the small model: the log, the pointers, the network, the writers, clients and a reader. */

export const A = 0
export const B = 1
export const RESOURCES = ['A', 'B'] as const

export interface Request {
  readonly name: string
  /** Without a request key a client cannot retry safely, so it does not, and the store cannot tell a repetition. */
  readonly keyed: boolean
  readonly writes: readonly number[]
  /** The version at which the first resource must be. Its client has read that version before it asks. */
  readonly expects?: number
}

export const REQUESTS: readonly Request[] = [
  { name: '"write A and B"', keyed: true, writes: [A, B] },
  { name: '"update A if it is at version 1"', keyed: true, writes: [A], expects: 1 },
  { name: '"write A, no key"', keyed: false, writes: [A] },
]

export interface Transaction {
  readonly request: number
  /** The version given to each resource of the request's `writes`. */
  readonly versions: readonly number[]
}

export interface Commit {
  readonly id: number
  readonly transactions: readonly Transaction[]
}

export interface Writer {
  /** `creating`: its PUT is on the way. `refused`: it heard 412 and has not read the occupant yet. */
  readonly phase: 'down' | 'probing' | 'ready' | 'creating' | 'refused'
  /** The requests that it owes an answer. */
  readonly waiting: readonly boolean[]
  /** The last commit that its memory includes; it creates the next number. */
  readonly known: number
  /** The last of others' commits that it leaves unpublished: always 0, unless rule 5 is off. */
  readonly unhelped: number
  /** Its memory: the version of each resource, and the commit of each request it knows to have happened (or 0). */
  readonly versions: readonly number[]
  readonly done: readonly number[]
  /** The commit that it is creating at `known + 1`. */
  readonly commit?: Commit
}

/** `least` is the version that a read must not fall behind, for somebody had been told of it when the read began. */
export type Reader =
  | { readonly phase: 'idle' }
  /** It has read the head; `found` has the version of each resource that it has looked up under this head, or -1. */
  | {
      readonly phase: 'pinned'
      readonly head: number
      readonly least: readonly number[]
      readonly found: readonly number[]
    }
  /** It has read the pointers of one resource and not yet the head. */
  | {
      readonly phase: 'listed'
      readonly resource: number
      readonly least: number
      readonly pointers: readonly number[]
    }

/** What is still on the way from a writer that no longer listens, and may be applied at any time or never. */
export interface Late {
  readonly creates: readonly { readonly seq: number; readonly commit: Commit }[]
  /** Commits whose pointers and request items are on the way, and head positions that are. */
  readonly facts: readonly number[]
  readonly heads: readonly number[]
}

export type Answer = 'unsent' | 'sent' | 'acknowledged' | 'rejected'

export interface State {
  /** `log[seq]`; there is no commit 0, and a hole only if the protocol is broken. */
  readonly log: readonly (Commit | undefined)[]
  /** `pointers[resource][version]` is the commit of that version, or 0. */
  readonly pointers: readonly (readonly number[])[]
  /** `items[request]` is the commit of the request, or 0. */
  readonly items: readonly number[]
  readonly head: number
  readonly late: Late
  readonly writers: readonly Writer[]
  readonly answers: readonly Answer[]
  readonly reader: Reader
  readonly left: { readonly crashes: number; readonly delays: number; readonly retries: number }
  /** The last commit whose effect anybody outside was told, by an answer or a read. Nobody in the model reads this. */
  readonly told: number
  /** The furthest that the head has ever been. Nobody in the model reads this. */
  readonly furthest: number
  /** Promises that a step just broke and that no later state would show. */
  readonly broken: readonly string[]
  /** Makes commit ids unique. */
  readonly attempts: number
}

/** A pointer or a request item: one immutable fact about one commit. */
export type Fact =
  | { readonly resource: number; readonly version: number; readonly seq: number }
  | { readonly request: number; readonly seq: number }

export const DOWN: Writer = {
  phase: 'down',
  waiting: REQUESTS.map(() => false),
  known: 0,
  unhelped: 0,
  versions: RESOURCES.map(() => 0),
  done: REQUESTS.map(() => 0),
}

export const replace = <T>(list: readonly T[], index: number, value: T): readonly T[] => {
  const copy = list.slice()
  copy[index] = value
  return copy
}

export const withWriter = (state: State, w: number, change: Partial<Writer>): State => ({
  ...state,
  writers: replace(state.writers, w, { ...state.writers[w]!, ...change }),
})

export const writerName = (w: number): string => `writer ${w + 1}`

/** Occupies a number. What else is on the way to it can only be refused from now on, so it is forgotten. */
export function occupy(state: State, seq: number, commit: Commit): State {
  const log = state.log.slice()
  while (log.length < seq) log.push(undefined)
  log[seq] = commit
  return { ...state, log, late: { ...state.late, creates: state.late.creates.filter((create) => create.seq !== seq) } }
}

/** The pointers and request items of a commit that are not in the table. */
export function missingFacts(state: State, seq: number): Fact[] {
  const missing: Fact[] = []
  for (const { request, versions } of state.log[seq]?.transactions ?? []) {
    const { keyed, writes } = REQUESTS[request]!
    for (let i = 0; i < writes.length; i++) {
      const resource = writes[i]!
      const version = versions[i]!
      if (state.pointers[resource]![version] !== seq) missing.push({ resource, version, seq })
    }
    if (keyed && state.items[request] !== seq) missing.push({ request, seq })
  }
  return missing
}

export function writeFact(state: State, fact: Fact): State {
  if ('request' in fact) return { ...state, items: replace(state.items, fact.request, fact.seq) }
  const pointers = state.pointers[fact.resource]!.slice()
  while (pointers.length < fact.version) pointers.push(0)
  pointers[fact.version] = fact.seq
  return { ...state, pointers: replace(state.pointers, fact.resource, pointers) }
}

export const factName = (fact: Fact): string =>
  'request' in fact
    ? `the request item of ${REQUESTS[fact.request]!.name}`
    : `the pointer ${RESOURCES[fact.resource]}@${fact.version}`

/** The newest version among a resource's pointers that a head covers, or 0. */
export function newestCovered(pointers: readonly number[], head: number): number {
  for (let version = pointers.length - 1; version > 0; version--) {
    if (pointers[version]! > 0 && pointers[version]! <= head) return version
  }
  return 0
}

/** The version of a resource that the log says was current after commit `seq`. */
export function versionAt(log: State['log'], resource: number, seq: number): number {
  let version = 0
  for (let at = 1; at <= seq && at < log.length; at++) {
    for (const transaction of log[at]?.transactions ?? []) {
      const index = REQUESTS[transaction.request]!.writes.indexOf(resource)
      if (index >= 0) version = transaction.versions[index]!
    }
  }
  return version
}
