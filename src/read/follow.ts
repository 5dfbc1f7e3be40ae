/** Walks the commits that readers may see, in order: to the head, and on from there as new ones come. */
import { filter } from 'rxjs'
import { type ChainLink, linkOf } from '../../domain/commit.js'
import type { Clock, Doorbell } from '../../domain/ports/index.js'
import { type LogReader, missingCommit, type OpenCommit } from './log-reader.js'

export interface FollowDeps {
  readonly log: LogReader
  /** Says which commits readers may see. */
  readonly reader: { head(): Promise<{ readonly seq: number }> }
  readonly doorbell: Doorbell
  readonly clock: Clock
}

export interface WalkOptions {
  /** The last commit (default: there is none). */
  readonly to?: number
  /** Goes on when it has come to the head that it found at first. */
  readonly follow: boolean
  /** Whether objects are read, not only headers. */
  readonly whole: boolean
  readonly signal?: AbortSignal
}

/** `head`: every commit has been seen. Told when a look at the head shows nothing new, once until something new comes. */
export type Step = { readonly kind: 'commit'; readonly opened: OpenCommit } | { readonly kind: 'head' }

/** A bell may be lost: how often to look all the same, in milliseconds. */
const pollMs = 1_000

/** The commits after `link`, until the signal aborts. At the head it waits for more, if it follows. */
export async function* walk(deps: FollowDeps, link: ChainLink, options: WalkOptions): AsyncGenerator<Step> {
  const { log, reader } = deps
  const { follow, whole, signal } = options
  const stopped = (): boolean => signal?.aborted === true
  let to = options.to ?? Number.MAX_SAFE_INTEGER
  let seen = link
  let told = false
  let bell: Bell | undefined
  try {
    while (seen.seq < to && !stopped()) {
      bell?.forget()
      const end = Math.min((await reader.head()).seq, to)
      if (!follow) to = end
      if (seen.seq < end) {
        told = false
        for await (const opened of log.follow(seen, { whole, to: end })) {
          if (stopped()) return
          seen = linkOf(opened.commit)
          yield { kind: 'commit', opened }
        }
        if (seen.seq < end && !stopped()) throw missingCommit(log, seen.seq + 1)
      } else if (!told) {
        told = true
        yield { kind: 'head' }
      } else if (bell === undefined) bell = listen(deps, signal)
      else await bell.wait()
    }
  } finally {
    bell?.close()
  }
}

interface Bell {
  /** Forgets the rings so far: what they tell of is about to be looked at. */
  forget(): void
  /** Resolves at a ring since then, after the poll interval, or when the signal aborts. */
  wait(): Promise<void>
  close(): void
}

function listen({ log, doorbell, clock }: FollowDeps, signal: AbortSignal | undefined): Bell {
  let rung = false
  let wake = (): void => undefined
  const subscription = doorbell
    .listen()
    .pipe(filter((ring) => ring.log === log.name || ring.log === '*'))
    .subscribe({
      next: () => {
        rung = true
        wake()
      },
      // A bell that broke rings no more; the poll remains.
      error: () => undefined,
    })
  return {
    forget: () => {
      rung = false
    },
    async wait() {
      if (rung || signal?.aborted === true) return
      const woken = new AbortController()
      wake = () => woken.abort()
      signal?.addEventListener('abort', wake)
      await clock.sleep(pollMs, woken.signal)
      signal?.removeEventListener('abort', wake)
    },
    close: () => subscription.unsubscribe(),
  }
}
