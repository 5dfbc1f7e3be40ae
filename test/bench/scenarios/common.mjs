/** What the scenarios share: the bodies, the clock, and how a result is said. */
import { hash } from 'node:crypto'

const bodyBytes = 1024

/** The text of a patient around its id, its number and its narrative, so that making one costs next to nothing. */
const [beforeId, beforeNumber, beforeText, end] = JSON.stringify({
  resourceType: 'Patient',
  id: '|',
  extension: [{ url: 'http://example.org/weight', valueDecimal: 70.5 }],
  identifier: [{ use: 'usual', system: 'urn:oid:1.2.36.146.595.217.0.1', value: '|' }],
  active: true,
  name: [{ use: 'official', family: 'Chalmers', given: ['Peter', 'James'] }],
  telecom: [{ system: 'phone', value: '(03) 5555 6473', use: 'work', rank: 1 }],
  gender: 'male',
  birthDate: '1974-12-25',
  address: [{ use: 'home', line: ['534 Erewhon St'], city: 'PleasantVille', state: 'Vic', postalCode: '3999' }],
  text: { status: 'generated', div: '<div>|</div>' },
}).split('|')
const room = bodyBytes - beforeId.length - beforeNumber.length - beforeText.length - end.length
const narrative = 'Peter James Chalmers, born 1974. '.repeat(30)

/** A FHIR Patient of 1 KB. `n` makes it another one. */
export function patient(id, n = 0) {
  const number = String(n)
  const text = narrative.slice(0, Math.max(0, room - id.length - number.length))
  return beforeId + id + beforeNumber + number + beforeText + text + end
}

export const idOf = (i) => `patient-${String(i).padStart(7, '0')}`

export const sha256 = (bytes) => hash('sha256', bytes, 'hex')

export const args = JSON.parse(process.argv[2] ?? '{}')

/** The last thing that a scenario does. */
export function say(metrics, observed) {
  process.stdout.write(`${JSON.stringify({ metrics, observed })}\n`, () => process.exit(0))
}

export const secondsOf = async (work) => {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

/** Calls `work` from so many callers at a time for so many seconds; answers how often it was done, and how long it took. */
export async function callFor(seconds, callers, work) {
  let done = 0
  const began = performance.now()
  const caller = async () => {
    while (performance.now() - began < seconds * 1000) {
      await work()
      done++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return { done, seconds: (performance.now() - began) / 1000 }
}

/** Random places below `bound`, the same in every run. */
export function places(bound) {
  let state = 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % bound
  }
}
