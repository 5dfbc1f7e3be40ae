/** What the scenarios share: the bodies, the clock, and how a result is said. */
import { hash } from 'node:crypto'

const bodyBytes = 1024

/** A FHIR Patient of 1 KB. `n` makes it another one. */
export function patient(id, n = 0) {
  const resource = {
    resourceType: 'Patient',
    id,
    extension: [{ url: 'http://example.org/weight', valueDecimal: 70.5 }],
    identifier: [{ use: 'usual', system: 'urn:oid:1.2.36.146.595.217.0.1', value: String(n) }],
    active: true,
    name: [{ use: 'official', family: 'Chalmers', given: ['Peter', 'James'] }],
    telecom: [{ system: 'phone', value: '(03) 5555 6473', use: 'work', rank: 1 }],
    gender: 'male',
    birthDate: '1974-12-25',
    address: [{ use: 'home', line: ['534 Erewhon St'], city: 'PleasantVille', state: 'Vic', postalCode: '3999' }],
    text: { status: 'generated', div: '' },
  }
  const missing = bodyBytes - JSON.stringify(resource).length
  resource.text.div = `<div>${'Peter James Chalmers, born 1974. '.repeat(30)}`.slice(0, Math.max(0, missing - 6))
  resource.text.div += '</div>'
  return JSON.stringify(resource)
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
