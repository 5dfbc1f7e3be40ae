/** Work that goes on after its request was answered: a bounded number of jobs of this process, whose results are kept for a while. */
import { randomUUID } from 'node:crypto'
import type { HttpSettings } from '../settings.js'

/** Whose it is: nobody else finds it. */
export interface Owner {
  readonly tenant: string
  readonly actor: string | undefined
}

export interface Control {
  /** Aborts when nobody wants the result any more. */
  readonly signal: AbortSignal
  /** How far it is, in a few words. */
  progress(text: string): void
}

/** `R`: what comes of it. */
export interface Job<R> {
  readonly id: string
  readonly kind: string
  readonly owner: Owner
  /** In a few words. */
  readonly progress: string
  readonly end: JobEnd<R> | undefined
}

export type JobEnd<R> = { readonly expires: Date } & ({ readonly result: R } | { readonly error: unknown })

export interface Jobs<R> {
  /** `undefined`: as many are under way as may be, or one of this kind for this tenant. */
  begin(kind: string, owner: Owner, work: (control: Control) => Promise<R>): Job<R> | undefined
  find(kind: string, owner: Owner, id: string): Job<R> | undefined
  /** Ends it, if it has not ended, and forgets it. */
  cancel(job: Job<R>): void
  /** Ends them all, and resolves when none of them works any more. */
  close(): Promise<void>
}

interface Entry<R> extends Job<R> {
  progress: string
  end: JobEnd<R> | undefined
  readonly stopping: AbortController
}

export function makeJobs<R>({ maxJobs, jobRetentionMs }: Pick<HttpSettings, 'maxJobs' | 'jobRetentionMs'>): Jobs<R> {
  const jobs = new Map<string, Entry<R>>()
  /** What still works, also after it was cancelled: by kind and tenant. */
  const working = new Map<string, Promise<void>>()
  let isClosed = false

  function forgetOld(): void {
    const now = Date.now()
    for (const [id, { end }] of jobs) if (end !== undefined && end.expires.getTime() <= now) jobs.delete(id)
    // Results give way to those who come.
    for (const [id, { end }] of jobs) if (jobs.size >= maxJobs && end !== undefined) jobs.delete(id)
  }

  return {
    begin(kind, owner, work) {
      const place = JSON.stringify([kind, owner.tenant])
      forgetOld()
      if (isClosed || working.has(place) || working.size >= maxJobs || jobs.size >= maxJobs) return undefined
      const stopping = new AbortController()
      const job: Entry<R> = { id: randomUUID(), kind, owner, progress: 'begun', end: undefined, stopping }
      jobs.set(job.id, job)
      const control: Control = {
        signal: stopping.signal,
        progress: (text) => {
          job.progress = text
        },
      }
      const expires = (): Date => new Date(Date.now() + jobRetentionMs)
      const done = work(control)
        .then(
          (result) => {
            job.end = { expires: expires(), result }
          },
          (error: unknown) => {
            job.end = { expires: expires(), error }
          },
        )
        .then(() => void working.delete(place))
      working.set(place, done)
      return job
    },
    find(kind, { tenant, actor }, id) {
      const job = jobs.get(id)
      if (job === undefined || job.kind !== kind) return undefined
      if (job.end !== undefined && job.end.expires.getTime() <= Date.now()) return undefined
      return job.owner.tenant === tenant && job.owner.actor === actor ? job : undefined
    },
    cancel({ id }) {
      jobs.get(id)?.stopping.abort()
      jobs.delete(id)
    },
    async close() {
      isClosed = true
      for (const { stopping } of jobs.values()) stopping.abort()
      jobs.clear()
      await Promise.all(working.values())
    },
  }
}
