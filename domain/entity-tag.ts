/**
 * Entity tags, whose opaque part is a version: `W/"3"`, or a list of them. Weak and strong ones are alike, and a bare number is taken
 * for one. (RFC 9110, 8.8.3; FHIR R4, RESTful API: managing resource contention)
 */

const one = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"|\d{1,15}/
const list = new RegExp(`^\\s*(?:${one.source})(?:\\s*,\\s*(?:${one.source}))*\\s*$`)

/** The longest list, in characters. */
const maxList = 10_000

/** The versions that a list names: a tag that no version has stands for none. `undefined`: it is no such list. */
export function versionsIn(tags: string): ReadonlyArray<number> | undefined {
  if (tags.length > maxList || !list.test(tags)) return undefined
  return (tags.match(new RegExp(one, 'g')) ?? []).flatMap((tag) => {
    const [, version] = /^(?:W\/)?"?([1-9]\d{0,14})"?$/.exec(tag) ?? []
    return version === undefined ? [] : [Number(version)]
  })
}
