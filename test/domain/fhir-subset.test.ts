/** Some elements of a resource: spliced, so that every byte of what is kept stays, and tagged as a part. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numberTokens, scanBody } from '../../domain/body/index.js'
import { readElements, subsetOf } from '../../domain/fhir/subset.js'
import { orThrow } from '../../domain/task.js'

const tag = '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}'

function subset(resource: string, ...elements: string[]): string {
  const type = JSON.parse(resource).resourceType
  const kept = orThrow(readElements('elements', elements))(type)
  return kept === undefined ? 'whole' : Buffer.from(subsetOf(Buffer.from(resource), type, kept, '4.0')).toString()
}

describe('elements', () => {
  test.each([
    [
      'leave the others out',
      '{"resourceType":"Patient","id":"a","meta":{"versionId":"1"},"active":true,"name":[{"family":"X"}],"gender":"male"}',
      ['gender'],
      `{"resourceType":"Patient","id":"a","meta":{"versionId":"1","tag":[${tag}]},"gender":"male"}`,
    ],
    [
      'keep digits, order and spaces of what they name',
      '{"resourceType":"Basic","code":{},"meta":{},"extension" : [ {"valueDecimal": 1.10} , {"valueDecimal":-0} ],"id":"a"}',
      ['extension'],
      `{"resourceType":"Basic","code":{},"meta":{"tag":[${tag}]},"extension" : [ {"valueDecimal": 1.10} , {"valueDecimal":-0} ],"id":"a"}`,
    ],
    [
      'keep what a resource has to have, choices too',
      '{"resourceType":"MedicationRequest","meta":{},"status":"active","intent":"order","medicationReference":{},"_intent":{},"subject":{},"note":[]}',
      ['id'],
      `{"resourceType":"MedicationRequest","meta":{"tag":[${tag}]},"status":"active","intent":"order","medicationReference":{},"_intent":{},"subject":{}}`,
    ],
    [
      'keep a choice by its stem or its name, and what stands beside a primitive value',
      '{"resourceType":"Observation","meta":{},"status":"final","code":{},"valueQuantity":{},"valueSet":{},"_issued":{},"issued":"x"}',
      ['value', 'issued'],
      `{"resourceType":"Observation","meta":{"tag":[${tag}]},"status":"final","code":{},"valueQuantity":{},"valueSet":{},"_issued":{},"issued":"x"}`,
    ],
    [
      'are no beginnings of other names',
      '{"resourceType":"Patient","meta":{},"name":[],"namesake":1,"nameUse":2}',
      ['name'],
      `{"resourceType":"Patient","meta":{"tag":[${tag}]},"name":[]}`,
    ],
    [
      'join tags that are there',
      '{"resourceType":"Patient","meta":{"tag" : [ {"code":"x"} ],"versionId":"1"}}',
      ['name'],
      `{"resourceType":"Patient","meta":{"tag" : [ {"code":"x"} ,${tag}],"versionId":"1"}}`,
    ],
    [
      'make one tag where there is an empty list, or no list',
      '{"resourceType":"Patient","meta":{"tag":[]}}',
      ['name'],
      `{"resourceType":"Patient","meta":{"tag":[${tag}]}}`,
    ],
    [
      'put a list in the place of what is none',
      '{"resourceType":"Patient","meta":{"tag":7,"versionId":"1"}}',
      ['name'],
      `{"resourceType":"Patient","meta":{"versionId":"1","tag":[${tag}]}}`,
    ],
    [
      'tag once',
      `{"resourceType":"Patient","meta":{"tag":[{"code":"SUBSETTED"}]},"name":[]}`,
      ['active'],
      `{"resourceType":"Patient","meta":{"tag":[{"code":"SUBSETTED"}]}}`,
    ],
    ['of other types change nothing', '{"resourceType":"Patient","meta":{},"x":1}', ['Observation.status'], 'whole'],
    [
      'of the type join those of all',
      '{"resourceType":"Patient","meta":{},"name":[],"gender":"x","active":true}',
      ['Patient.name', 'active'],
      `{"resourceType":"Patient","meta":{"tag":[${tag}]},"name":[],"active":true}`,
    ],
  ])('%s', (_, resource, elements, expected) => {
    expect(subset(resource, ...elements)).toBe(expected)
  })

  test('keep the values of any members that they name, and nothing else', () => {
    const names = ['active', 'name', 'telecom', 'gender', 'birthDate', 'photo', 'contact', 'link']
    const member = fc.record({ name: fc.constantFrom(...names), value: fc.json() })
    fc.assert(
      fc.property(
        fc.uniqueArray(member, { selector: ({ name }) => name }),
        fc.subarray(names, { minLength: 1 }),
        (members, wanted) => {
          const said = members.map(({ name, value }) => `"${name}": ${value}`)
          const resource = `{"resourceType":"Patient","id":"a","meta":{},${[...said, '"n":1.50'].join(' , ')}}`
          const text = subset(resource, ...wanted)
          expect(scanBody(Buffer.from(text))._tag).toBe('Right')
          const kept = members.filter(({ name }) => wanted.includes(name))
          const values = kept.map(({ name, value }) => `,"${name}": ${value}`).join('')
          expect(text).toBe(`{"resourceType":"Patient","id":"a","meta":{"tag":[${tag}]}${values}}`)
          expect(numberTokens(Buffer.from(text))).toEqual(kept.flatMap(({ value }) => numberTokens(Buffer.from(value))))
        },
      ),
    )
  })

  test.each([['Patient.name.given'], ['name.given'], [''], ['Name'], ['Patient'], ['a b'], ['_id'], ['patient.name']])(
    "refuse '%s'",
    (name) => {
      expect(readElements('elements', [name])).toMatchObject({
        left: { _tag: 'InvalidInput', data: { what: 'elements' } },
      })
    },
  )
})
