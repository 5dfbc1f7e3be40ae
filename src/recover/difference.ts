/** What verification can find: a closed set, so that an operator's script can tell them apart. */
export interface Difference {
  readonly kind: DifferenceKind
  /** The object or the item. */
  readonly key: string
  readonly problem: string
}

export type DifferenceKind =
  | 'commit-missing'
  | 'commit-damaged'
  | 'chain-broken'
  | 'version-order'
  | 'body-damaged'
  | 'blob-missing'
  | 'pointer-missing'
  | 'pointer-different'
  | 'pointer-extra'
  | 'head-missing'
  | 'head-behind'
  | 'head-ahead'
  | 'head-different'
