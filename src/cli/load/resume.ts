/**
 * How far a load has come, kept in the store so that the same command goes on where an interrupted one stopped.
 *
 * One checkpoint for each list of paths: how many sources are done, a digest of what they were (path, size, time of
 * change), and the place in the one that is open. Whatever has changed since is loaded again, which changes nothing.
 */
import { hash } from 'node:crypto'
import { resolve } from 'node:path'
import * as t from 'io-ts'
import type { Tenant } from '../../index.js'
import type { Start } from './resources.js'
import { type Source, sourcesOf } from './sources.js'

const CountsCodec = t.type({
  read: t.number,
  created: t.number,
  updated: t.number,
  unchanged: t.number,
  failed: t.number,
})

const MarkCodec = t.type({
  /** The load came to its end: the next one starts over. */
  done: t.boolean,
  /** Sources that are done, and the digest of all of them. */
  finished: t.number,
  digest: t.string,
  /** What the open source was. */
  source: t.string,
  format: t.union([t.literal('document'), t.literal('lines')]),
  offset: t.number,
  line: t.number,
})

const SavedCodec = t.intersection([MarkCodec, t.type({ counts: CountsCodec })])

export type Mark = t.TypeOf<typeof MarkCodec>
export type Saved = t.TypeOf<typeof SavedCodec>

export const noDigest = ''

/** What a source was, as one text: another size or time of change makes it another. */
export const fingerprint = ({ name, file }: Source): string =>
  file === undefined ? name : JSON.stringify([file.path, file.size, file.mtimeMs])

export const digestWith = (digest: string, source: Source): string =>
  hash('sha256', `${digest}\n${fingerprint(source)}`, 'hex')

export interface Resumption {
  readonly finished: number
  readonly digest: string
  /** Where to go on in the first source that is not done; absent if it has changed. */
  readonly start: Start | undefined
  readonly saved: Saved
}

export interface ProgressKeeper {
  /** Where an interrupted load came to; absent when there was none, or when what it has loaded is no longer the same. */
  find(): Promise<Resumption | undefined>
  /** Answers false if another load of the same sources has taken over. */
  save(saved: Saved): Promise<boolean>
}

export function makeProgressKeeper(tenant: Tenant, paths: ReadonlyArray<string>, rules: object): ProgressKeeper {
  const name = `load-${hash('sha256', JSON.stringify([paths.map((path) => resolve(path)), rules]), 'hex')}`
  let rev = 0

  return {
    async find() {
      const checkpoint = await tenant.checkpoint(name)
      rev = checkpoint?.rev ?? 0
      const saved = checkpoint && decode(checkpoint.value)
      return saved === undefined || saved.done ? undefined : hold(saved, paths)
    },
    async save(saved) {
      const isSaved = await tenant.saveCheckpoint(name, JSON.stringify(saved), rev)
      if (isSaved) rev++
      return isSaved
    },
  }
}

function decode(text: string): Saved | undefined {
  try {
    const decoded = SavedCodec.decode(JSON.parse(text))
    return decoded._tag === 'Right' ? decoded.right : undefined
  } catch {
    return undefined
  }
}

/** Holds what is there now against what was done: any difference in the finished sources starts over. */
async function hold(saved: Saved, paths: ReadonlyArray<string>): Promise<Resumption | undefined> {
  const { finished, format, offset, line } = saved
  let digest = noDigest
  let index = 0
  for await (const source of sourcesOf(paths)) {
    if (index === finished) {
      if (digest !== saved.digest) return undefined
      const isSame = fingerprint(source) === saved.source
      return { finished, digest, start: isSame ? { format, offset, line } : undefined, saved }
    }
    digest = digestWith(digest, source)
    index++
  }
  return undefined
}
