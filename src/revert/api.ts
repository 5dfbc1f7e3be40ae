/** Taking back: what callers say and hear. */
import type { Compensation, OnConflict } from '../../domain/compensation.js'
import type { ResourceRef } from '../../domain/resource.js'
import type { AsOf, WriteOptions } from '../api.js'

/** What is taken back: transactions by their ids, or one by its request key; all that shares a correlation; commits, both ends included. */
export type RevertTarget =
  | string
  /** `only`: these resources of it, where all are more than one transaction can hold. */
  | { readonly transaction: string; readonly only?: ReadonlyArray<ResourceRef> }
  | { readonly transactions: ReadonlyArray<string> }
  | { readonly request: string }
  | { readonly correlation: string; readonly from?: number; readonly to?: number }
  | { readonly from: number; readonly to?: number }

export interface RevertOptions extends WriteOptions {
  /** What becomes of a resource that others have changed since (default `fail`: nothing is written, every conflict is listed). */
  readonly onConflict?: OnConflict
}

/** What is restored: one resource, a type, or all of the tenant. */
export interface RestoreScope {
  readonly type?: string
  readonly id?: string
}

/** To where: as things were then, or for one resource as its version was. */
export type RestorePoint = AsOf | { readonly version: number }

/** What a revert would write, decided on one head. Nothing is written. */
export interface RevertPlan {
  /** The commit at that head. */
  readonly seq: number
  /** One for each resource, in the order of writing. */
  readonly changes: ReadonlyArray<Compensation>
}
