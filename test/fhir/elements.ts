/** Derives the tables of `domain/fhir/patch/element-tables.ts` from the types of each version in the package `@types/fhir`. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { FhirVersion } from '../../domain/fhir/version.js'

/**
 * In which places names are special: `+` in those, `-` in all but those, `*` wherever they stand. `inR5`: where what the other table says
 * is the other way round in R5.
 */
export interface Tables {
  readonly all: ReadonlyArray<[name: string, places: string]>
  readonly inR5: ReadonlyArray<[name: string, places: string]>
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
    ...['Markdown', 'Base64Binary', 'Integer64'],
  ],
  number: ['Integer', 'Decimal', 'PositiveInt', 'UnsignedInt'],
  boolean: ['Boolean'],
}

/** Elements that are named like choices, and are none. (R4: PaymentReconciliation, ClinicalImpression, Task) */
const noChoices = new Set(['PaymentReconciliation.payment', 'ClinicalImpressionFinding.item', 'Task.instantiates'])
const abstract = new Set(['Element', 'BackboneElement', 'Resource', 'DomainResource', 'FhirResource'])

const files: Readonly<Record<FhirVersion, string>> = { '4.0': 'r4.d.ts', '4.3': 'r4b.d.ts', '5.0': 'r5.d.ts' }

export const typesOf = (version: FhirVersion): string => {
  const index = createRequire(import.meta.url).resolve('@types/fhir/package.json')
  return readFileSync(index.replace(/package\.json$/, files[version]), 'utf8')
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
    // Beside a choice there is no element of its bare name.
    const isOne = (stem: string): boolean =>
      !noChoices.has(`${name}.${stem}`) && members.every(([member]) => member !== stem)
    const isChoiceStem = (stem: string | undefined): stem is string =>
      stem !== undefined && isOne(stem) && stems.filter((each) => each === stem).length > 1
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
  if (both.length > 0 || onlyYes.length <= onlyNo.length)
    return `+ ${[...new Set([...onlyYes, ...rooted])].sort().join(' ')}`
  return `- ${onlyNo.sort().join(' ')}`
}

const grouped = <A>(all: ReadonlyArray<A>, keysOf: (each: A) => ReadonlyArray<string>): ReadonlyMap<string, A[]> => {
  const found = new Map<string, A[]>()
  for (const each of all)
    for (const key of keysOf(each)) {
      const group = found.get(key)
      if (group === undefined) found.set(key, [each])
      else group.push(each)
    }
  return found
}

const tableOf = (elements: ReadonlyArray<Element>, isSpecial: (element: Element) => boolean): [string, string][] =>
  [...grouped(elements, ({ name }) => [name])]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, each]): [string, string][] => {
      const where = said(each, isSpecial)
      return where === undefined ? [] : [[name, where]]
    })

/** Of all versions together, and where R5 says otherwise than R4 and R4B, which agree. */
export function derive(isSpecial: (element: Element) => boolean): Tables {
  const earlier = [...elementsOf(typesOf('4.0')), ...elementsOf(typesOf('4.3'))].flatMap(eachByItself)
  const later = elementsOf(typesOf('5.0')).flatMap(eachByItself)
  const [before, after] = [earlier, later].map((all) => grouped(all, (each) => [placeOf(each), anywhere(each)]))
  const differs = (element: Element): boolean => {
    const place = placeOf(element)
    const known = before?.get(place)
    if (known !== undefined) return known.some(isSpecial) !== after?.get(place)?.some(isSpecial)
    const others = new Set(before?.get(anywhere(element))?.map(isSpecial))
    return others.size === 1 && !others.has(isSpecial(element))
  }
  return {
    all: tableOf([...earlier, ...later.filter((each) => !differs(each))], isSpecial),
    inR5: tableOf(later, differs),
  }
}

const eachByItself = (element: Element): Element[] =>
  [...element.roots].map((root) => ({ ...element, roots: new Set([root]) }))

/** What stands around it in its resource, and in any. */
const placeOf = ({ name, place, roots }: Element): string => `${name} ${[...roots].join()}.${place}`
const anywhere = ({ name, place }: Element): string => `${name} ${place}`
