/** What an interaction needs permission for: itself, and whatever conditions it looks up, since they tell what is there. */
import type { Permission } from '../permission.js'
import type { Interaction } from './interaction.js'
import { conditionalLinksOf, type Link } from './links.js'
import { placeOf } from './read.js'
import { conditionalReference } from './resolve.js'

export interface Need {
  readonly permission: Permission
  readonly type: string
  /** Where the Bundle says it. */
  readonly place: string
}

const permissions = { create: 'c', update: 'u', patch: 'u', delete: 'd', read: 'r', search: 's' } as const

/** All of them, except for references that a patch brings in: what they are is not known before it is applied. */
export function needsOf(interaction: Interaction): Need[] {
  const { index, type, kind } = interaction
  const needs: Need[] = [{ permission: permissions[kind], type, place: placeOf(index, 'request') }]
  if (kind === 'create' && interaction.ifNoneExist !== undefined)
    needs.push({ permission: 's', type, place: placeOf(index, 'request.ifNoneExist') })
  if ('target' in interaction && 'condition' in interaction.target)
    needs.push({ permission: 's', type, place: placeOf(index, 'request.url') })
  if ('body' in interaction) needs.push(...needsOfLinks(conditionalLinksOf(interaction.body, type), index))
  return needs
}

/** Of conditional references, which are looked up in the type that they name. */
export const needsOfLinks = (links: ReadonlyArray<Link>, index: number): Need[] =>
  links.flatMap(({ kind, text }) => {
    const [, type] = (kind === 'reference' && conditionalReference.exec(text)) || []
    return type === undefined ? [] : [{ permission: 's', type, place: placeOf(index, 'resource') }]
  })
