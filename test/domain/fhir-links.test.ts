/** The table of links says of every text in each version whether it may be a link: a uri, url, oid or uuid. */
import { expect, test } from 'vitest'
import { mayLink } from '../../domain/fhir/bundle/link-names.js'
import { linksOf } from '../../domain/fhir/bundle/links.js'
import { resourceTypesOf } from '../../domain/fhir/resource-types.js'
import { elementsOf, typesOf } from '../fhir/elements.js'
import { typedElements } from '../fhir/types.js'

const links = new Set(['uri', 'url', 'oid', 'uuid'])
const texts = new Set(['canonical', 'string', 'markdown'])

/** They name types, or what is no resource. */
const noLinks = new Set([
  ...['code below type', 'type below StructureDefinition', 'location below response', 'name below page'],
  ...['assert', 'canFilterBy', 'eventTrigger', 'notificationShape', 'operation', 'resourceTrigger'].map(
    (place) => `resource below ${place}`,
  ),
  'resourceType below filterBy',
])

test.each(['4.0', '5.0'] as const)('every text of %s, in every resource that has it', (fhirVersion) => {
  const wrong: string[] = []
  let checked = 0
  for (const { name, place, type, enclosing } of typedElements(fhirVersion)) {
    if (!(links.has(type) || texts.has(type)) || enclosing === 'Reference') continue
    const where = `${name} below ${place}`
    checked++
    if (mayLink(name, place, fhirVersion) !== (links.has(type) && !noLinks.has(where))) wrong.push(`${where}: ${type}`)
  }
  expect(checked).toBeGreaterThan(1_000)
  expect(wrong).toEqual([])
})

test('of what only R4B has beside R4, these: the others are canonicals and texts', () => {
  const isNew = new Set(resourceTypesOf('4.3').filter((type) => !resourceTypesOf('4.0').includes(type)))
  const found = new Set<string>()
  for (const { name, place, roots, isChoice } of elementsOf(typesOf('4.3')))
    if (place !== 'extension' && !isChoice && mayLink(name, place, '4.3'))
      for (const root of roots) if (isNew.has(root) && place === root) found.add(`${root}.${name}`)
  // A jurisdiction is an object there, which has no text of its own.
  expect([...found].filter((each) => !/\.(implicitRules|jurisdiction)$/.test(each)).sort()).toEqual([
    'Citation.url',
    'EvidenceReport.url',
    'SubscriptionTopic.url',
  ])
})

test('a mapping is told by uri up to R4B, and by canonical in R5', () => {
  const map = '{"resourceType":"ConceptMap","group":[{"source":"urn:uuid:1","target":"urn:uuid:2"}]}'
  const found = (version: '4.0' | '4.3' | '5.0') =>
    linksOf(Buffer.from(map), 'ConceptMap', version).map(({ text }) => text)
  expect([found('4.0'), found('4.3'), found('5.0')]).toEqual([
    ['urn:uuid:1', 'urn:uuid:2'],
    ['urn:uuid:1', 'urn:uuid:2'],
    [],
  ])
})
