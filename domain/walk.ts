/** Walks over everything that a port answers page by page. */
import { decodeSegment } from './keys.js'
import type { BlobStore, Item, PointerStore } from './ports/index.js'
import { run } from './task.js'

const perPage = 1_000

/** The items of one partition whose sort keys begin with the prefix, in sort-key order. */
export async function* everyItem(pointers: PointerStore, pk: string, prefix = ''): AsyncGenerator<Item> {
  const range = prefix === '' ? {} : { from: prefix, to: `${prefix}\u{10ffff}` }
  let token: string | undefined
  do {
    const page = await run(pointers.query({ pk, ...range, limit: perPage, token }))
    yield* page.items
    token = page.token
  } while (token !== undefined)
}

/** The keys that begin with the prefix, in order. */
export async function* everyKey(blobs: BlobStore, prefix: string): AsyncGenerator<string> {
  let after: string | undefined
  for (;;) {
    const { entries, more } = await run(blobs.list(prefix, { after, limit: perPage }))
    for (const { key } of entries) yield key
    after = entries.at(-1)?.key
    if (!more || after === undefined) return
  }
}

/** The names of what has keys of its own below the prefix, of so many segments each, whatever these keys are. One request for each. */
export async function* everyName(
  blobs: BlobStore,
  prefix: string,
  segments = 1,
): AsyncGenerator<ReadonlyArray<string>> {
  let after: string | undefined
  for (;;) {
    const { entries } = await run(blobs.list(prefix, { after, limit: 1 }))
    const key = entries[0]?.key
    if (key === undefined) return
    const name = key.slice(prefix.length).split('/').slice(0, segments)
    yield name.map(decodeSegment)
    // '0' follows '/': the next key of another name.
    after = `${prefix}${name.join('/')}0`
  }
}
