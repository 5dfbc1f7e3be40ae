/**
 * Some elements of resources, by splicing their bytes: what is kept stays as it is, digits included, and `meta.tag` says SUBSETTED,
 * so that nobody takes the part for the whole. (FHIR R4, Search: _elements)
 */
import * as E from 'fp-ts/lib/Either.js'
import { asBuffer } from '../body/bytes.js'
import { elementsOf, isArrayAt, isObjectAt, membersOf, type NamedSpan, textAt } from '../body/index.js'
import { type AnnalsError, annalsError } from '../error.js'
import { rootOf } from './compartment.js'
import { isChoice, type Place } from './patch/elements.js'
import { requiredElements } from './required.js'
import type { FhirVersion } from './version.js'

/** Which elements of the root are kept, by type; `undefined`: the resource stays whole. */
export type Elements = (type: string) => ReadonlySet<string> | undefined

const maxElements = 500

/** Reads `name` and `Type.name`. Those that a resource has to have are kept, too. */
export function readElements(what: string, said: ReadonlyArray<string>): E.Either<AnnalsError, Elements> {
  const common = new Set<string>()
  const byType = new Map<string, Set<string>>()
  if (said.length > maxElements)
    return E.left(annalsError('LimitExceeded', { what, limit: maxElements, actual: said.length, unit: 'elements' }))
  for (const text of said) {
    const [, type, name, deeper] = /^(?:([A-Z][A-Za-z]{0,63})\.)?([a-z][A-Za-z0-9]{0,63})((?:\..*)?)$/.exec(text) ?? []
    if (name === undefined || deeper !== '') {
      const problem = `'${text.slice(0, 64)}' is no element of a root; write name, or Type.name such as Patient.name`
      return E.left(annalsError('InvalidInput', { what, problem }))
    }
    if (type === undefined) common.add(name)
    else byType.set(type, (byType.get(type) ?? new Set()).add(name))
  }
  const kept = new Map<string, ReadonlySet<string> | undefined>()
  return E.right((type) => {
    if (!kept.has(type)) kept.set(type, keptOf(type, common, byType.get(type)))
    return kept.get(type)
  })
}

function keptOf(type: string, common: ReadonlySet<string>, own: ReadonlySet<string> | undefined) {
  if (common.size === 0 && own === undefined) return undefined
  const required = (requiredElements.get(type) ?? []).map((name) => name.replace('[x]', ''))
  return new Set(['resourceType', 'id', 'meta', ...required, ...common, ...(own ?? [])])
}

const tag = '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}'

/** The resource with these elements of its root only. */
export function subsetOf(
  resource: Uint8Array,
  type: string,
  kept: ReadonlySet<string>,
  fhirVersion: FhirVersion,
): Uint8Array {
  const parts: Uint8Array[] = []
  for (const member of membersOf(resource, rootOf(resource))) {
    if (!isKept(member.name, { fhirVersion, resourceType: type, members: [] }, kept)) continue
    parts.push(parts.length === 0 ? open : comma)
    if (member.name === 'meta' && isObjectAt(resource, member.start)) parts.push(...taggedMeta(resource, member))
    else parts.push(resource.subarray(member.at, member.end))
  }
  return Buffer.concat([...parts, close])
}

const [open, comma, close] = ['{', ',', '}'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]

/** A primitive element may have its extension beside it, under `_name`; a choice has its type behind its name. */
function isKept(member: string, place: Place, kept: ReadonlySet<string>): boolean {
  const name = member.startsWith('_') ? member.slice(1) : member
  if (kept.has(name)) return true
  for (let end = name.length - 1; end > 0; end--) {
    const stem = name.slice(0, end)
    if (/[A-Z]/.test(name[end] as string) && kept.has(stem)) return isChoice(stem, place)
  }
  return false
}

function taggedMeta(resource: Uint8Array, meta: NamedSpan): Uint8Array[] {
  const members = [...membersOf(resource, meta.start)]
  const tags = members.find(({ name }) => name === 'tag')
  if (tags === undefined || !isArrayAt(resource, tags.start)) {
    const rest = tags === undefined ? members : members.filter((each) => each !== tags)
    const kept = rest.map(({ at, end }) => asBuffer(resource).toString('utf8', at, end))
    return [Buffer.from(`"meta":{${[...kept, `"tag":[${tag}]`].join()}}`)]
  }
  if (isTagged(resource, tags.start)) return [resource.subarray(meta.at, meta.end)]
  const isEmpty = elementsOf(resource, tags.start).next().done === true
  return [
    resource.subarray(meta.at, tags.end - 1),
    Buffer.from(`${isEmpty ? '' : ','}${tag}`),
    resource.subarray(tags.end - 1, meta.end),
  ]
}

function isTagged(resource: Uint8Array, start: number): boolean {
  for (const element of elementsOf(resource, start))
    if (isObjectAt(resource, element.start))
      for (const member of membersOf(resource, element.start))
        if (member.name === 'code' && textAt(resource, member) === 'SUBSETTED') return true
  return false
}
