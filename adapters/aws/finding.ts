/** What was found of the storage, and what to do about it. */
export interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
  /** Absent when all is well. */
  readonly advice?: string
}

export const finding = (check: string, ok: boolean, detail: string, advice: string): Finding =>
  ok ? { check, ok, detail } : { check, ok, detail, advice }
