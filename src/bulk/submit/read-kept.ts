/** Reads NDJSON objects of a folder again, in the order of their names. */
import { annalsError } from '../../../domain/error.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'
import { everyKey } from '../../../domain/walk.js'

export async function* linesIn<A>(blobs: BlobStore, folder: string): AsyncGenerator<A> {
  for await (const key of everyKey(blobs, folder)) {
    const found = await run(blobs.get(key))
    if (found === undefined) throw annalsError('Corrupt', { key, problem: 'it is missing' })
    for (const line of Buffer.from(found.bytes).toString('utf8').split('\n'))
      if (line !== '') yield JSON.parse(line) as A
  }
}
