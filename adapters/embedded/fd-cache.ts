/**
 * Open file descriptors, the least recently used of which are closed when there are too many.
 *
 * A descriptor is counted while somebody uses it and closed when it is both out of the cache and unused: a read never
 * meets a closed descriptor, or worse, one that meanwhile belongs to another file.
 */

export interface Handle<A> {
  readonly fd: number
  readonly value: A
}

interface Entry<A> extends Handle<A> {
  users: number
  cached: boolean
}

export interface FdCache<A> {
  /** The descriptor of `name`, counted as used until it is released. */
  acquire(name: string): Handle<A> | undefined
  /** Takes over an open descriptor, counted as used. If `name` has one already, that one is answered, and this closed. */
  adopt(name: string, fd: number, value: A): Handle<A>
  release(handle: Handle<A>): void
  forget(name: string): void
  /** From now on every descriptor is closed as soon as nobody uses it. */
  close(): void
  readonly size: number
}

export function makeFdCache<A>(capacity: number, closeFd: (fd: number) => void): FdCache<A> {
  // A Map keeps the order of insertion: reinserting on use makes its first entry the least recently used.
  const entries = new Map<string, Entry<A>>()
  let bound = capacity

  const drop = (name: string, entry: Entry<A>): void => {
    entries.delete(name)
    entry.cached = false
    if (entry.users === 0) closeFd(entry.fd)
  }

  const trim = (): void => {
    for (const [name, entry] of entries) {
      if (entries.size <= bound) return
      drop(name, entry)
    }
  }

  const acquire = (name: string): Entry<A> | undefined => {
    const entry = entries.get(name)
    if (entry === undefined) return undefined
    entries.delete(name)
    entries.set(name, entry)
    entry.users++
    return entry
  }

  return {
    acquire,

    adopt: (name, fd, value) => {
      const known = acquire(name)
      if (known !== undefined) {
        closeFd(fd)
        return known
      }
      const entry: Entry<A> = { fd, value, users: 1, cached: true }
      entries.set(name, entry)
      trim()
      return entry
    },

    release: (handle) => {
      const entry = handle as Entry<A>
      entry.users--
      if (entry.users === 0 && !entry.cached) closeFd(entry.fd)
    },

    forget: (name) => {
      const entry = entries.get(name)
      if (entry !== undefined) drop(name, entry)
    },

    close: () => {
      bound = 0
      trim()
    },

    get size() {
      return entries.size
    },
  }
}
