/** A standby of every tenant of a store, also of those that come later. */

export interface StandbysDeps {
  readonly tenants: () => AsyncIterable<string>
  /** Follows one tenant until the signal aborts. */
  readonly follow: (tenant: string, signal: AbortSignal) => Promise<void>
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
}

/** How often to look for new tenants, in milliseconds. */
const lookMs = 60_000

/** Ends when the signal aborts. The first copy that fails ends all of them. */
export async function followAll({ tenants, follow, sleep, signal }: StandbysDeps): Promise<void> {
  const failed = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal])
  const copies = new Map<string, Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  const fail = (error: unknown): void => {
    failure ??= { error }
    failed.abort()
  }
  while (!stop.aborted) {
    try {
      for await (const tenant of tenants())
        if (!copies.has(tenant) && !stop.aborted) copies.set(tenant, follow(tenant, stop).catch(fail))
    } catch (error) {
      fail(error)
    }
    await sleep(lookMs, stop)
  }
  await Promise.all(copies.values())
  if (failure !== undefined) throw failure.error
}
