/** The bodies of a transaction Bundle with their links replaced: full URLs by what the entries have become, conditions by what they select. */
import { annalsError } from '../../domain/error.js'
import type { Interaction } from '../../domain/fhir/bundle/interaction.js'
import { conditionalLinksOf, type Link, linksOf, replaceLinks } from '../../domain/fhir/bundle/links.js'
import { needsOfLinks } from '../../domain/fhir/bundle/needs.js'
import { placeOf } from '../../domain/fhir/bundle/read.js'
import { conditionalReference, type Destination, resolverOf } from '../../domain/fhir/bundle/resolve.js'
import { readCondition } from '../../domain/fhir/condition.js'
import type { Overlay } from '../../domain/selection.js'
import { mapBounded, orThrow } from '../../domain/task.js'
import type { Identity } from './identity.js'
import { checkNeeds, type Permit } from './permit.js'
import type { Asked, Lookup, PlanDeps } from './plan.js'

/** What the entries write, and which resources they mean. */
export interface Planned {
  readonly identities: ReadonlyMap<Interaction, Identity>
  readonly sent: ReadonlyMap<Interaction, Uint8Array>
  readonly permit?: Permit
  readonly isTransaction: boolean
}

export async function withLinks(
  { limits, fhirVersion }: PlanDeps,
  asked: ReadonlyArray<Asked>,
  { identities, sent, permit, isTransaction }: Planned,
  lookup: Lookup,
  overlay: () => Overlay,
): Promise<ReadonlyMap<Interaction, Uint8Array>> {
  const destinations = destinationsOf(asked, identities)
  const found = asked.flatMap(({ entry, interaction }) => {
    const body = sent.get(interaction)
    if (body === undefined) return []
    // Without full URLs no other link leads to an entry.
    const links =
      destinations.size > 0 ? linksOf(body, interaction.type, fhirVersion) : conditionalLinksOf(body, interaction.type)
    return [{ entry, interaction, body, links }]
  })
  checkNeeds(permit, () => found.flatMap(({ interaction, links }) => needsOfLinks(links, interaction.index)))
  const conditions = conditionsIn(found)
  // Only a patch can bring them in unseen: what else is sent has been looked into.
  if (!isTransaction && conditions[0] !== undefined) throw takesTransaction(conditions[0].index)
  const selected = new Map<string, string>()
  await mapBounded(conditions, limits.concurrency, async ({ text, type, query, index }) => {
    const what = placeOf(index, 'resource')
    const condition = orThrow(readCondition(what, type, query))
    const ids = overlay().select(condition, await lookup.select(condition))
    if (ids.length === 0) throw annalsError('NoMatch', { what: `${what}: a conditional reference` })
    if (ids.length > 1)
      throw annalsError('MultipleMatches', { what: `${what}: a conditional reference`, matches: ids.length })
    selected.set(text, `${type}/${ids[0]}`)
  })
  return new Map(
    found.map(({ entry, interaction, body, links }) => {
      const resolve = resolverOf(destinations, entry.fullUrl)
      return [interaction, replaceLinks(body, links, (link) => selected.get(link) ?? resolve(link))]
    }),
  )
}

/** `what`: which the entry refers to. */
export const takesTransaction = (index: number, what = 'what a condition selects') =>
  annalsError('InvalidInput', {
    what: placeOf(index, 'resource'),
    problem: `it refers to ${what}; that takes a Bundle of type transaction`,
  })

/** By full URL. Of two entries with the same one nobody could say which is meant. */
function destinationsOf(
  asked: ReadonlyArray<Asked>,
  identities: ReadonlyMap<Interaction, Identity>,
): ReadonlyMap<string, Destination> {
  const destinations = new Map<string, Destination & { readonly index: number }>()
  for (const { entry, interaction } of asked) {
    const { id, assigned } = identities.get(interaction) ?? {}
    if (entry.fullUrl === undefined || id === undefined) continue
    const { index } = entry
    const earlier = destinations.get(entry.fullUrl)
    if (earlier !== undefined) {
      const problem = `it is that of ${placeOf(earlier.index)} too; each entry has its own`
      throw annalsError('InvalidInput', { what: placeOf(index, 'fullUrl'), problem })
    }
    const ref = `${interaction.type}/${id}`
    destinations.set(entry.fullUrl, assigned === true ? { ref, index, version: 1 } : { ref, index })
  }
  return destinations
}

interface ConditionText {
  readonly text: string
  readonly type: string
  readonly query: string
  readonly index: number
}

/** Each once, with the first entry that has it. */
function conditionsIn(
  found: ReadonlyArray<{ readonly interaction: Interaction; readonly links: ReadonlyArray<Link> }>,
): ConditionText[] {
  const texts = new Map<string, ConditionText>()
  for (const { interaction, links } of found)
    for (const { kind, text } of links) {
      if (kind !== 'reference' || texts.has(text)) continue
      const [, type, query] = conditionalReference.exec(text) ?? []
      if (type !== undefined && query !== undefined) texts.set(text, { text, type, query, index: interaction.index })
    }
  return [...texts.values()]
}
