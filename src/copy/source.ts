/** The commits of a copy's source, in order: those that its readers see, or all of its log where it has no pointers. */
import type { ChainLink } from '../../domain/commit.js'
import { annalsError } from '../../domain/error.js'
import { walk } from '../read/follow.js'
import type { OpenCommit } from '../read/log-reader.js'
import { checkEnd } from '../recover/recover.js'
import { headOf } from './beginning.js'
import type { CopyLog } from './side.js'

export interface SourceOptions {
  readonly follow: boolean
  readonly signal: AbortSignal
}

export interface Source {
  /** The last commit to copy, as far as it is known. */
  head(): Promise<number>
  /** The head when it was last looked at. */
  readonly seen: number
  /**
   * The commits after `link`, to the head or, where it follows, on and on. `head`: all of them have been told. A header is proved
   * by the one that follows it, or by the head, so each commit is told when that has been read.
   */
  after(link: ChainLink, options: SourceOptions): AsyncGenerator<OpenCommit | 'head'>
}

/** The hash is unknown where only the log says where it ends. */
type Visible = Pick<ChainLink, 'seq'> & Partial<Pick<ChainLink, 'hash'>>

export function makeSource(source: CopyLog, tenant: string): Source {
  const { side, log } = source
  let visible: Visible = { seq: 0 }
  let reached = 0
  let checkedEnd: number | undefined

  async function look(): Promise<Visible> {
    visible = (await headOf(source, tenant)) ?? { seq: await endOfLog() }
    return visible
  }

  /** Without a head, a hole would be taken for the end. */
  async function endOfLog(): Promise<number> {
    const seq = await log.findHead(reached)
    if (seq !== checkedEnd) await checkEnd({ tenant, blobs: side.blobs, log }, { seq })
    checkedEnd = seq
    return seq
  }

  function isProvedByHead({ seq, hash }: ChainLink): boolean {
    if (seq !== visible.seq || visible.hash === undefined) return false
    if (hash === visible.hash) return true
    const problem = 'the head has another hash than the commit in the log'
    throw annalsError('LogMismatch', { log: log.name, seq, problem })
  }

  async function* after(link: ChainLink, options: SourceOptions): AsyncGenerator<OpenCommit | 'head'> {
    const deps = { log, reader: { head: look }, doorbell: side.doorbell, clock: side.clock }
    let unproved: OpenCommit | undefined
    reached = link.seq
    for await (const step of walk(deps, link, { ...options, whole: true })) {
      if (unproved !== undefined) yield unproved
      unproved = undefined
      if (step.kind === 'head') {
        yield 'head'
        continue
      }
      reached = step.opened.commit.seq
      if (isProvedByHead(step.opened.commit)) yield step.opened
      else unproved = step.opened
    }
    if (unproved !== undefined && !options.signal.aborted) yield unproved
  }

  return {
    head: async () => (await look()).seq,
    get seen() {
      return visible.seq
    },
    after,
  }
}
