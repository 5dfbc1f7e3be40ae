/** The invariants of Bundle that its shape does not tell. (FHIR R4, Bundle: constraints) */

interface Entry {
  readonly fullUrl?: string
  readonly resource?: { readonly meta?: { readonly versionId?: string } }
  readonly search?: object
  readonly request?: object
  readonly response?: object
}

export interface AnyBundle {
  readonly type: string
  readonly total?: number
  readonly entry?: ReadonlyArray<Entry>
}

/** The names of those that do not hold. */
export function bundleProblems({ type, total, entry = [] }: AnyBundle): string[] {
  const isAsked = ['batch', 'transaction', 'history'].includes(type)
  const isAnswered = ['batch-response', 'transaction-response', 'history'].includes(type)
  const all = (holds: (entry: Entry) => boolean): boolean => entry.every(holds)
  const urls = entry.map(({ fullUrl, resource }) => fullUrl && `${fullUrl} ${resource?.meta?.versionId}`)
  const named = urls.filter((url) => url !== undefined)
  const rules: Record<string, boolean> = {
    'bdl-1': total === undefined || type === 'searchset' || type === 'history',
    'bdl-2': all(({ search }) => search === undefined || type === 'searchset'),
    'bdl-3': all(({ request }) => (request !== undefined) === isAsked),
    'bdl-4': all(({ response }) => (response !== undefined) === isAnswered),
    'bdl-5': all(({ resource, request, response }) => (resource ?? request ?? response) !== undefined),
    'bdl-7': type === 'history' || new Set(named).size === named.length,
    'bdl-8': all(({ fullUrl = '' }) => !fullUrl.includes('/_history/')),
  }
  return Object.keys(rules).filter((name) => rules[name] === false)
}
