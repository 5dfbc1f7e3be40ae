/** Time, as the store sees it. Tests and the simulation drive it by hand. */
export interface Clock {
  /** Microseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /** Resolves after `ms`, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
