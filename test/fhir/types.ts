/** Derives the table of `domain/fhir/patch/types.ts` from the model of R4 in the package `fhirpath`. */
import { choiceTypePaths, path2Type, pathsDefinedElsewhere, type2Parent } from 'fhirpath/fhir-context/r4'

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
  'base64Binary canonical code date dateTime id instant markdown oid string time uri url uuid'.split(' '),
)
const numbers = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt'])

/** What JSON says of a type by itself. */
export const kindOf = (type: string): string =>
  texts.has(type) ? 'text' : numbers.has(type) ? 'number' : type === 'boolean' ? type : 'object'

const parentOf = type2Parent as Record<string, string>

const isResource = (type: string): boolean =>
  type !== 'DomainResource' && (parentOf[type] === 'Resource' || parentOf[type] === 'DomainResource')

/** The members of each path, and their types. */
function membersByPath(): ReadonlyMap<string, ReadonlyArray<readonly [name: string, type: string]>> {
  const found = new Map<string, [string, string][]>()
  for (const [path, said] of Object.entries(path2Type as Record<string, string | { code: string }>)) {
    const end = path.lastIndexOf('.')
    const members = found.get(path.slice(0, end)) ?? []
    members.push([path.slice(end + 1), typeSaid(path, typeof said === 'string' ? said : said.code)])
    found.set(path.slice(0, end), members)
  }
  return found
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

const choiceMembers = new Set(
  Object.entries(choiceTypePaths as Record<string, string[]>).flatMap(([path, types]) =>
    types.map((t) => `${path}${t}`),
  ),
)

export function typedElements(): ReadonlyArray<TypedElement> {
  const own = membersByPath()
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

/** Of each type the names that are of it: everywhere, or `@` a place. What JSON says by itself is left out, and ids. */
export function deriveTypes(): string {
  const byName = new Map<string, TypedElement[]>()
  for (const element of typedElements()) {
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
  return [...said]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, entries]) => `${type}: ${entries.sort().join(' ')};`)
    .join('\n')
}

const isSaidByJson = (type: string): boolean => ['string', 'decimal', 'boolean', 'Element'].includes(type)

/** Where the same place says something else in other resources, the resource is named too. */
function placesOf({ name, enclosing, place, type, roots }: TypedElement, all: ReadonlyArray<TypedElement>): string[] {
  if (enclosing !== undefined) return [`${name}@${enclosing}`]
  const isTold = all.every((other) => other.type === type || other.enclosing !== undefined || other.place !== place)
  return isTold ? [`${name}@${place}`] : [...roots].map((root) => `${name}@${root}.${place}`)
}
