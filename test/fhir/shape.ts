/**
 * Whether JSON has the shape of a type of FHIR: no other members, those that have to be there, lists where there are lists, and codes of
 * their value sets. By the types of `@types/fhir`; resources inside are not looked at.
 */
import type { FhirVersion } from '../../domain/fhir/version.js'
import { typesOf } from './elements.js'

interface Member {
  readonly type: string
  readonly isRequired: boolean
}

interface Structure {
  readonly parent: string | undefined
  readonly members: ReadonlyMap<string, Member>
}

const known = new Map<FhirVersion, ReadonlyMap<string, Structure>>()

/** What is wrong, as FHIRPaths with what they should be. */
export function shapeProblems(value: unknown, type: string, fhirVersion: FhirVersion = '4.0', path = type): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: a ${type}`]
  const members = membersOf(type, fhirVersion)
  const problems: string[] = []
  for (const [name, { isRequired }] of members)
    if (isRequired && !(name in value)) problems.push(`${path}.${name}: required`)
  for (const [name, each] of Object.entries(value)) {
    const member = members.get(name)
    if (member === undefined) problems.push(`${path}.${name}: there is no such element`)
    else problems.push(...memberProblems(each, member.type, fhirVersion, `${path}.${name}`))
  }
  return problems
}

function memberProblems(value: unknown, type: string, fhirVersion: FhirVersion, path: string): string[] {
  if (type.endsWith('[]')) {
    if (!Array.isArray(value) || value.length === 0) return [`${path}: a list, not empty`]
    return value.flatMap((each, i) => memberProblems(each, type.slice(0, -2), fhirVersion, `${path}[${i}]`))
  }
  const codes = [...type.matchAll(/'([^']*)'/g)].map(([, code]) => code)
  if (codes.length > 0) return codes.includes(value as string) ? [] : [`${path}: one of ${codes.join(', ')}`]
  if (['FhirResource', 'Resource', 'T'].includes(type)) return []
  if (['string', 'number', 'boolean'].includes(type))
    return typeof value === type && value !== '' ? [] : [`${path}: a ${type}, not empty`]
  return shapeProblems(value, type, fhirVersion, path)
}

function membersOf(type: string, fhirVersion: FhirVersion): Map<string, Member> {
  const all = known.get(fhirVersion) ?? structures(fhirVersion)
  known.set(fhirVersion, all)
  const structure = all.get(type)
  if (structure === undefined) throw new Error(`FHIR ${fhirVersion} has no type ${type}`)
  const { parent, members } = structure
  return new Map([...(parent === undefined ? [] : membersOf(parent, fhirVersion)), ...members])
}

function structures(fhirVersion: FhirVersion): ReadonlyMap<string, Structure> {
  const source = typesOf(fhirVersion).replace(/\/\*[\s\S]*?\*\//g, '')
  const found = new Map<string, Structure>()
  for (const [, name = '', parent, body = ''] of source.matchAll(
    /export interface (\w+)(?:<[^>]*>)?(?: extends (\w+))? \{([\s\S]*?)\n\}/g,
  )) {
    const members = [...body.matchAll(/^\s+(?:readonly )?(\w+)(\??):\s*(.*?);\s*$/gm)].map(
      ([, member = '', optional, type = '']): [string, Member] => [
        member,
        { type: typeIn(type), isRequired: optional === '' },
      ],
    )
    found.set(name, { parent, members: new Map(members) })
  }
  return found
}

const typeIn = (text: string): string =>
  text
    .replace(/\| undefined/g, '')
    .replace(/<[^>]*>/g, '')
    .trim()
