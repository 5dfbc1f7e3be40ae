/** Transaction Bundles of 1 KB resources that refer to each other. */
import { idOf, patient } from './common.mjs'

const url = (i) => `urn:uuid:${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`
const note = '{"code":{"text":"body weight"},"note":[{"text":"|"}],"valueQuantity":{"value":70.50,"unit":"kg"}'.replace(
  '|',
  'measured in the morning, without shoes. '.repeat(12),
)
const observation = (subjectRef, performer) =>
  `{"resourceType":"Observation","status":"final","subject":{"reference":"${subjectRef}"},"performer":[{"reference":"${performer}"}],"value":${note}}}`
const post = (i, type, resource) =>
  `{"fullUrl":"${url(i)}","resource":${resource},"request":{"method":"POST","url":"${type}"}}`

/** Every tenth entry is a patient; the others are about the last one. `performer`: whom they name beside, by default the same. */
export function bundleOf(count, first, performer = url) {
  const texts = []
  let last = first
  for (let i = first; i < first + count; i++) {
    if ((i - first) % 10 === 0) {
      last = i
      texts.push(post(i, 'Patient', patient(idOf(i), i)))
    } else texts.push(post(i, 'Observation', observation(url(last), performer(last))))
  }
  return Buffer.from(`{"resourceType":"Bundle","type":"transaction","entry":[${texts.join(',')}]}`)
}
