/** Derives the tables of `domain/fhir/patch/type-tables.ts` from the models of R4 and R5 in the package `fhirpath`, which has none of R4B. */
import * as r4 from 'fhirpath/fhir-context/r4'
import * as r5 from 'fhirpath/fhir-context/r5'

const models = { '4.0': r4, '5.0': r5 } as const

/** An element of a structure. `enclosing`: the datatype around it, or an element of one; else `place` says where it stands. */
export interface TypedElement {
  readonly name: string
  readonly enclosing: string | undefined
  /** The member or the resource type around it. */
  readonly place: string
  /** The types of resources that have it there. */
  readonly roots: ReadonlySet<string>
  readonly type: string
}

const texts = new Set(
  'base64Binary canonical code date dateTime id instant integer64 markdown oid string time uri url uuid'.split(' '),
)
const numbers = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt'])

/** What JSON says of a type by itself. */
export const kindOf = (type: string): string =>
  texts.has(type) ? 'text' : numbers.has(type) ? 'number' : type === 'boolean' ? type : 'object'

export function typedElements(version: keyof typeof models): ReadonlyArray<TypedElement> {
  const { choiceTypePaths, path2Type, pathsDefinedElsewhere, type2Parent } = models[version]
  const parentOf = type2Parent as Readonly<Record<string, string>>
  const isResource = (type: string): boolean => {
    const parent = parentOf[type]
    if (type === 'DomainResource' || parent === undefined) return false
    return parent === 'Resource' || parent === 'DomainResource' || isResource(parent)
  }

  /** The types that FHIRPath has for ids and URLs are others than those of FHIR. */
  function typeSaid(path: string, type: string): string {
    if (type === 'xhtml') return 'string'
    if (type === 'BackboneElement') return 'Element'
    if (!type.endsWith('System.String')) return type
    if (path === 'Extension.url') return 'uri'
    const isOfResource = (at: string): boolean => at === 'Resource' || at === 'DomainResource' || isResource(at)
    return path.endsWith('.id') && isOfResource(path.slice(0, -3)) ? 'id' : 'string'
  }

  /** The members of each path, and their types. */
  const own = new Map<string, [string, string][]>()
  for (const [path, said] of Object.entries(path2Type as Record<string, string | { code: string }>)) {
    const end = path.lastIndexOf('.')
    const members = own.get(path.slice(0, end)) ?? []
    members.push([path.slice(end + 1), typeSaid(path, typeof said === 'string' ? said : said.code)])
    own.set(path.slice(0, end), members)
  }
  const choiceMembers = new Set(
    Object.entries(choiceTypePaths as Record<string, string[]>).flatMap(([path, types]) =>
      types.map((t) => `${path}${t}`),
    ),
  )
  const membersOf = (path: string): ReadonlyArray<readonly [string, string]> => [
    ...(own.get(path) ?? []),
    ...(parentOf[path] === undefined ? [] : membersOf(parentOf[path] as string)),
  ]
  const found = new Map<string, TypedElement & { readonly roots: Set<string> }>()
  const seen = new Set<string>()
  function visit(path: string, place: string, enclosing: string | undefined, root: string): void {
    const key = [path, enclosing ?? `${root}.${place}`].join()
    if (seen.has(key)) return
    seen.add(key)
    const real = (pathsDefinedElsewhere as Record<string, string>)[path] ?? path
    for (const [name, type] of membersOf(real)) {
      const isPlain = type === 'Element'
      if (!choiceMembers.has(`${real}.${name}`)) {
        const at = [name, enclosing ?? place, enclosing === undefined, type].join()
        const one = found.get(at) ?? { name, enclosing, place, type, roots: new Set<string>() }
        found.set(at, one)
        one.roots.add(root)
      }
      const within = isPlain ? enclosing && `${enclosing}.${name}` : type
      if (kindOf(type) === 'object' && type !== 'Resource')
        visit(isPlain ? `${real}.${name}` : type, name, within, root)
    }
  }
  for (const type of Object.keys(parentOf)) if (isResource(type)) visit(type, type, undefined, type)
  return [...found.values()]
}

/**
 * Of each type the names that are of it: everywhere, or `@` a place. What JSON says by itself is left out, and ids. `inR5`: where R5 says
 * otherwise than R4.
 */
export function deriveTypes(): { readonly all: string; readonly inR5: string } {
  const earlier = typedElements('4.0')
  const known = new Map(earlier.flatMap((each) => keysOf(each).map((key) => [key, each.type])))
  const differs = ({ type }: TypedElement, key: string): boolean => known.has(key) && known.get(key) !== type
  const later = typedElements('5.0').map((each) => {
    const [same, others] = [new Set<string>(), new Set<string>()]
    for (const root of each.roots) {
      const [key = ''] = keysOf({ ...each, roots: new Set([root]) })
      const isOther = differs(each, key)
      ;(isOther ? others : same).add(root)
    }
    return { same: { ...each, roots: same }, others: { ...each, roots: others } }
  })
  const inR5 = new Map<string, string[]>()
  for (const { others } of later)
    for (const root of others.enclosing === undefined ? others.roots : [...others.roots].slice(0, 1)) {
      const place = others.enclosing ?? (root === others.place ? root : `${root}.${others.place}`)
      inR5.set(others.type, [...(inR5.get(others.type) ?? []), `${others.name}@${place}`])
    }
  return {
    all: tableOf([...earlier, ...later.map(({ same }) => same).filter(({ roots }) => roots.size > 0)]),
    inR5: encoded(inR5),
  }
}

const keysOf = ({ name, enclosing, place, roots, type }: TypedElement): string[] =>
  enclosing === undefined
    ? [...roots].map((root) => `${name} ${kindOf(type)} ${root}.${place}`)
    : [`${name} ${kindOf(type)} @${enclosing}`]

function tableOf(elements: ReadonlyArray<TypedElement>): string {
  const byName = new Map<string, TypedElement[]>()
  for (const element of elements) {
    if (element.name === 'id') continue
    const key = `${element.name} ${kindOf(element.type)}`
    byName.set(key, [...(byName.get(key) ?? []), element])
  }
  const said = new Map<string, string[]>()
  for (const [key, elements] of byName) {
    const [name = ''] = key.split(' ')
    const types = new Map<string, TypedElement[]>()
    for (const each of elements) types.set(each.type, [...(types.get(each.type) ?? []), each])
    const [most] = [...types].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1)) as [[string, unknown]]
    for (const [type, ones] of types) {
      const entries =
        type === most[0] ? (isSaidByJson(type) ? [] : [name]) : ones.flatMap((each) => placesOf(each, elements))
      if (entries.length > 0) said.set(type, [...(said.get(type) ?? []), ...entries])
    }
  }
  return encoded(said)
}

const encoded = (said: ReadonlyMap<string, ReadonlyArray<string>>): string =>
  [...said]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, entries]) => `${type}: ${[...new Set(entries)].sort().join(' ')};`)
    .join('\n')

const isSaidByJson = (type: string): boolean => ['string', 'decimal', 'boolean', 'Element'].includes(type)

/** Where the same place says something else in other resources, the resource is named too. */
function placesOf({ name, enclosing, place, type, roots }: TypedElement, all: ReadonlyArray<TypedElement>): string[] {
  if (enclosing !== undefined) return [`${name}@${enclosing}`]
  const isTold = all.every((other) => other.type === type || other.enclosing !== undefined || other.place !== place)
  return isTold ? [`${name}@${place}`] : [...roots].map((root) => `${name}@${root}.${place}`)
}
