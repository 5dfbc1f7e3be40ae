/** Whose turn it is, where many wait for few places: no tenant waits for all that another one has asked for. */

export interface Waiting {
  readonly tenant: string
}

/** Takes out the first of a tenant that has no place, or else the first of all. */
export function nextOf<A extends Waiting>(waiting: A[], hasPlace: (tenant: string) => boolean): A | undefined {
  const fair = waiting.findIndex(({ tenant }) => !hasPlace(tenant))
  return waiting.splice(Math.max(0, fair), 1)[0]
}

/** The places that tenants have. */
export function makePlaces() {
  const taken = new Map<string, number>()
  return {
    has: (tenant: string): boolean => taken.has(tenant),
    take: (tenant: string): void => void taken.set(tenant, (taken.get(tenant) ?? 0) + 1),
    leave(tenant: string): void {
      const left = (taken.get(tenant) ?? 0) - 1
      if (left > 0) taken.set(tenant, left)
      else taken.delete(tenant)
    },
  }
}
