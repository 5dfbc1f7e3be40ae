/** A FHIR Bundle of many entries that refer to each other, as one transaction; then many smaller ones whose links are conditions, too. */
import fs from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../dist/src/index.js'
import { args, idOf, patient, say, secondsOf } from './common.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, entries, bundles, perBundle } = args

const system = 'urn:oid:1.2.36.146.595.217.0.1'
const url = (i) => `urn:uuid:${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`
const note = '{"code":{"text":"body weight"},"note":[{"text":"|"}],"valueQuantity":{"value":70.50,"unit":"kg"}'.replace(
  '|',
  'measured in the morning, without shoes. '.repeat(12),
)
const observation = (subjectRef, performer) =>
  `{"resourceType":"Observation","status":"final","subject":{"reference":"${subjectRef}"},"performer":[{"reference":"${performer}"}],"value":${note}}}`
const post = (i, type, resource) =>
  `{"fullUrl":"${url(i)}","resource":${resource},"request":{"method":"POST","url":"${type}"}}`

/** Every tenth entry is a patient; the others are about the last one. `performer`: whom they name beside. */
function bundleOf(count, first, performer) {
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

if (subject === 'floor') {
  const bytes = bundleOf(entries, 0, url)
  const whole = await secondsOf(async () => {
    const fd = fs.openSync(join(folder, 'commit'), 'w')
    fs.writeSync(fd, bytes)
    fs.fsyncSync(fd)
    fs.closeSync(fd)
  })
  say({ whole: whole * 1000 })
} else {
  const store = await openStore(`file:${join(folder, 'store')}`)
  const tenant = await store.tenant('bench')
  // Whom conditions find, and what warms the code up.
  await tenant.bundle(bundleOf(1_000, 10_000_000, url))
  const known = (i) => `Patient?identifier=${system}|${10_000_000 + (i % 100) * 10}`
  const made = Array.from({ length: bundles }, (_, b) => bundleOf(perBundle, 1_000_000 + b * perBundle, known))
  const many = await secondsOf(async () => {
    for (const bundle of made) await tenant.bundle(bundle)
  })
  const bundle = bundleOf(entries, 0, url)
  const memory = watchMemory('self')
  const whole = await secondsOf(() => tenant.bundle(bundle))
  const { own } = memory.end()
  await store.close()
  say({ whole: whole * 1000, own, rate: (bundles * perBundle) / many })
}
