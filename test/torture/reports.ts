/** What a writer says on its standard output, one line each, at the time when it happens. */
import type { Request } from './wish.js'

export type Report =
  /** The store is about to be opened. */
  | { readonly kind: 'opening' }
  | { readonly kind: 'opened' }
  /** Said before the request is handed to the store: what the log may hold from now on. */
  | { readonly kind: 'begun'; readonly request: Request }
  /** The store acknowledged. */
  | { readonly kind: 'done'; readonly key: string; readonly answer: Answer }
  /** The store refused because of conflicts. */
  | { readonly kind: 'rejected'; readonly key: string }
  /** Nothing that may happen, whoever is killed. */
  | { readonly kind: 'wrong'; readonly problem: string }

/** What was acknowledged: of each operation the version, and where it stands if the operation wrote it. */
export interface Answer {
  /** `{seq}-{index}` of the transaction; absent when nothing had to be written, and where nobody tells. */
  readonly id?: string
  readonly results: ReadonlyArray<{
    readonly id: string
    readonly version: number
    readonly changed: boolean
    readonly place?: string
  }>
}
