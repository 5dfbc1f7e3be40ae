/** Derives the table of `domain/fhir/patch/elements.ts` from the types of R4 in the package `@types/fhir`. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface Elements {
  /** Names that repeat wherever they stand. */
  readonly repeats: ReadonlyArray<string>
  /** Names that repeat in some places only: `+` those in which they do, `-` those in which they do not. */
  readonly differs: Readonly<Record<string, string>>
  /** Names of choices, in the same way; `*`: wherever they stand. */
  readonly choices: Readonly<Record<string, string>>
}

/** An element of a structure. `place`: the member or the resource type around it; `root.place` where that alone says too little. */
export interface Element {
  readonly name: string
  readonly place: string
  readonly roots: ReadonlySet<string>
  readonly isRepeated: boolean
  readonly isChoice: boolean
}

type Structure = { readonly parent: string | undefined; readonly members: ReadonlyArray<[name: string, type: string]> }

const primitives: Readonly<Record<string, ReadonlyArray<string>>> = {
  string: [
    ...['String', 'Date', 'DateTime', 'Time', 'Instant', 'Code', 'Uri', 'Url', 'Canonical', 'Oid', 'Uuid', 'Id'],
    ...['Markdown', 'Base64Binary'],
  ],
  number: ['Integer', 'Decimal', 'PositiveInt', 'UnsignedInt'],
  boolean: ['Boolean'],
}

/** Elements that are named like choices, and are none. (R4: PaymentReconciliation, ClinicalImpression, Task) */
const noChoices = new Set(['PaymentReconciliation.payment', 'ClinicalImpressionFinding.item', 'Task.instantiates'])
const abstract = new Set(['Element', 'BackboneElement', 'Resource', 'DomainResource', 'FhirResource'])

export const typesOfR4 = (): string => {
  const index = createRequire(import.meta.url).resolve('@types/fhir/package.json')
  return readFileSync(index.replace(/package\.json$/, 'r4.d.ts'), 'utf8')
}

export function structuresIn(source: string): ReadonlyMap<string, Structure> {
  const text = source.replace(/\/\*[\s\S]*?\*\//g, '')
  const found = new Map<string, Structure>()
  for (const [, name = '', parent, body = ''] of text.matchAll(
    /export interface (\w+)(?: extends (\w+))? \{([\s\S]*?)\n\}/g,
  )) {
    const members = [...body.matchAll(/^\s+(?:readonly )?(\w+)\??:\s*(.*?);\s*$/gm)].map(
      ([, member = '', type = '']): [string, string] => [member, type.replace('| undefined', '').trim()],
    )
    found.set(name, { parent, members: members.filter(([member]) => !member.startsWith('_')) })
  }
  return found
}

export function elementsOf(source: string): Element[] {
  const structures = structuresIn(source)
  const membersOf = (name: string): Structure['members'] => {
    const { parent, members } = structures.get(name) as Structure
    return [...(parent !== undefined && structures.has(parent) ? membersOf(parent) : []), ...members]
  }
  const isResource = (name: string): boolean => membersOf(name).some(([member]) => member === 'resourceType')
  const stemOf = (member: string, type: string): string | undefined => {
    if (type.endsWith('[]')) return undefined
    const suffixes = primitives[type.startsWith('(') ? 'string' : type] ?? (structures.has(type) ? [type] : [])
    const suffix = suffixes.find((each) => member.endsWith(each) && member.length > each.length)
    return suffix && member.slice(0, -suffix.length)
  }
  // Where each structure stands: below which members, of which resources.
  const places = new Map<string, Map<string, Set<string>>>()
  const visit = (name: string, place: string, root: string): void => {
    const known = places.get(name) ?? new Map<string, Set<string>>()
    places.set(name, known)
    const roots = known.get(place) ?? new Set<string>()
    known.set(place, roots)
    if (roots.has(root)) return
    roots.add(root)
    for (const [member, type] of membersOf(name)) {
      const below = type.replace('[]', '')
      if (structures.has(below) && !abstract.has(below)) visit(below, member, root)
    }
  }
  for (const name of structures.keys()) if (!abstract.has(name) && isResource(name)) visit(name, name, name)

  const found: Element[] = []
  for (const [name, where] of places) {
    const members = membersOf(name).filter(([member]) => member !== 'resourceType')
    const stems = members.map(([member, type]) => stemOf(member, type))
    const isChoiceStem = (stem: string | undefined): stem is string =>
      stem !== undefined && !noChoices.has(`${name}.${stem}`) && stems.filter((each) => each === stem).length > 1
    for (const [place, roots] of where) {
      for (const stem of new Set(stems.filter(isChoiceStem)))
        found.push({ name: stem, place, roots, isRepeated: false, isChoice: true })
      members.forEach(([member, type], i) => {
        if (isChoiceStem(stems[i])) return
        found.push({ name: member, place, roots, isRepeated: type.endsWith('[]'), isChoice: false })
      })
    }
  }
  return found
}

/** Which places a name is special in, as short as it can be said; `undefined`: in none; `*`: in all. */
function said(elements: ReadonlyArray<Element>, isSpecial: (element: Element) => boolean): string | undefined {
  const [yes, no] = [new Set<string>(), new Set<string>()]
  for (const each of elements) (isSpecial(each) ? yes : no).add(each.place)
  if (yes.size === 0) return undefined
  if (no.size === 0) return '*'
  // The same place in different resources: the rarer kind is told by its resource.
  const both = [...yes].filter((place) => no.has(place))
  const rooted = elements
    .filter((each) => both.includes(each.place) && isSpecial(each))
    .flatMap(({ roots, place }) => [...roots].map((root) => `${root}.${place}`))
  const onlyYes = [...yes].filter((place) => !both.includes(place))
  const onlyNo = [...no].filter((place) => !both.includes(place))
  if (both.length > 0 || onlyYes.length <= onlyNo.length) return `+ ${[...onlyYes, ...rooted].sort().join(' ')}`
  return `- ${onlyNo.sort().join(' ')}`
}

export function derive(source: string): Elements {
  const byName = new Map<string, Element[]>()
  for (const element of elementsOf(source)) byName.set(element.name, [...(byName.get(element.name) ?? []), element])
  const names = [...byName].sort(([a], [b]) => (a < b ? -1 : 1))
  const table = (isSpecial: (element: Element) => boolean) =>
    names.flatMap(([name, elements]): [string, string][] => {
      const where = said(elements, isSpecial)
      return where === undefined ? [] : [[name, where]]
    })
  const repeating = table(({ isRepeated }) => isRepeated)
  return {
    repeats: repeating.filter(([, where]) => where === '*').map(([name]) => name),
    differs: Object.fromEntries(repeating.filter(([, where]) => where !== '*')),
    choices: Object.fromEntries(table(({ isChoice }) => isChoice)),
  }
}
