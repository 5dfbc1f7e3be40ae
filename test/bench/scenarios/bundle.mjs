/** A FHIR Bundle of many entries that refer to each other, as one transaction; then many smaller ones whose links are conditions, too. */
import fs from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../dist/src/index.js'
import { args, say, secondsOf } from './common.mjs'
import { bundleOf } from './made-bundle.mjs'
import { watchMemory } from './memory.mjs'

const { subject, folder, entries, bundles, perBundle } = args

const system = 'urn:oid:1.2.36.146.595.217.0.1'

if (subject === 'floor') {
  const bytes = bundleOf(entries, 0)
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
  await tenant.bundle(bundleOf(1_000, 10_000_000))
  const known = (i) => `Patient?identifier=${system}|${10_000_000 + (i % 100) * 10}`
  const made = Array.from({ length: bundles }, (_, b) => bundleOf(perBundle, 1_000_000 + b * perBundle, known))
  const many = await secondsOf(async () => {
    for (const bundle of made) await tenant.bundle(bundle)
  })
  const bundle = bundleOf(entries, 0)
  const memory = watchMemory('self')
  const whole = await secondsOf(() => tenant.bundle(bundle))
  const { own } = memory.end()
  await store.close()
  say({ whole: whole * 1000, own, rate: (bundles * perBundle) / many })
}
