/** Where names and chance come from. */
export interface Ids {
  /** A UUID of version 7: commits, and resources that come without an id. */
  uuid(): string
  /** In [0, 1), for jitter. */
  random(): number
}
