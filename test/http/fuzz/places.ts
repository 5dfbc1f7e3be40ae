/** Where jobs, submissions and files are: what earlier answers have named, for whom they were, and for others. */
import fc from 'fast-check'
import type { WireAnswer } from '../wire.js'

/** An export, a file of one, a verification, a submission, and a file of outcomes of one. */
export type PlaceKind = 'export' | 'file' | 'verify' | 'submission' | 'outcomes'

/** Of each kind and owner, so many of those that were heard of last. */
const maxPlaces = 8

/** Stands in a target for the place of one's own that was heard of last, or the one before it … */
export const ownPlace = (kind: PlaceKind) => fc.nat({ max: maxPlaces - 1 }).map((nth) => `OWN:${kind}:${nth}`)
/** For one of another tenant, or of another client of the same tenant. */
export const otherPlace = (kind: PlaceKind) => fc.nat({ max: maxPlaces - 1 }).map((nth) => `OTHER:${kind}:${nth}`)

const nobody = '00000000-0000-7000-8000-000000000000'
/** Below the base of a tenant; where nothing has been heard of, one that there is not. */
const none: Readonly<Record<PlaceKind, string>> = {
  export: `$export/${nobody}`,
  file: `$export/${nobody}/output/Patient/part-0.ndjson`,
  verify: `$verify-status/${nobody}`,
  submission: '$bulk-submit-status/WyJ4fHkiLCJ6Il0',
  outcomes: '$bulk-submit-status/WyJ4fHkiLCJ6Il0/0/0',
}

/** One's own mostly, those of others, and what is none. */
export const anyPlace = (kind: PlaceKind): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: ownPlace(kind) },
    { weight: 2, arbitrary: otherPlace(kind) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        none[kind],
        `${none[kind]}x`,
        `${none[kind]}/..%2f..%2ftenant.json`,
        none[kind].replace(/\/.*/, '/%2e%2e%2f%2e%2e'),
        none[kind].replace(/\/.*/, '/%00'),
        none[kind].replace(/\/.*/, `/${'x'.repeat(300)}`),
        none[kind].replace(/\/.*/, '/bnVsbA'),
        none[kind].replace(/\/.*/, '/WzEsMl0/a/b'),
        none[kind].replace(/\/.*/, '/W10/undone/conflicts'),
      ),
    },
    { weight: 1, arbitrary: ownPlace(kind).map((place) => `${place}/..%2f..%2f..%2ftenant.json`) },
  )

export const isOfOthers = (target: string): boolean => target.includes('OTHER:')

const stand = /\b(OWN|OTHER):(\w+):(\d+)/

export class Places {
  private readonly known = new Map<PlaceKind, Map<string, string[]>>()

  /** What stands for a place in the target becomes that place. `ownerOf`: whose the places of a kind are that are one's own. */
  resolve(target: string, ownerOf: (kind: PlaceKind) => string): string {
    const [text, whose, name = '', nth] = stand.exec(target) ?? []
    if (text === undefined) return target
    const kind = name as PlaceKind
    const own = ownerOf(kind)
    const found = [...(this.known.get(kind) ?? [])]
      .filter(([owner]) => (owner === own) === (whose === 'OWN'))
      .flatMap(([, places]) => places)
    return target.replace(text, () => found[Number(nth) % Math.max(1, found.length)] ?? none[kind])
  }

  note({ headers, body }: WireAnswer, ownerOf: (kind: PlaceKind) => string): void {
    const located = /\/fhir\/(\$(export|verify-status|bulk-submit-status)\/[^/?]+)$/.exec(
      headers['content-location'] ?? '',
    )
    if (located !== null) this.add(kindOf[located[2] as keyof typeof kindOf], located[1] as string, ownerOf)
    for (const [, path = ''] of body.matchAll(/"url":"[^"]*\/fhir\/(\$export\/[^"/]+\/[^"]+)"/g))
      this.add('file', path, ownerOf)
    for (const [, path = ''] of body.matchAll(/"url":"[^"]*\/fhir\/(\$bulk-submit-status\/[^"/]+\/[^"]+)"/g))
      this.add('outcomes', path, ownerOf)
  }

  private add(kind: PlaceKind, path: string, ownerOf: (kind: PlaceKind) => string): void {
    const owners = this.known.get(kind) ?? new Map<string, string[]>()
    const own = ownerOf(kind)
    const before = (owners.get(own) ?? []).filter((each) => each !== path)
    this.known.set(kind, owners.set(own, [path, ...before].slice(0, maxPlaces)))
  }
}

const kindOf = { export: 'export', 'verify-status': 'verify', 'bulk-submit-status': 'submission' } as const
