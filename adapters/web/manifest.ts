/** A bulk data manifest: which files it names, and where its next page is. (HL7 Bulk Data Access, STU2 to STU4) */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { type NamedFile, SourceProblem } from '../../domain/ports/index.js'

const FileCodec = t.intersection([t.type({ url: t.string }), t.partial({ type: t.string, count: t.number })])

const ManifestCodec = t.partial({
  output: t.array(FileCodec),
  deleted: t.array(FileCodec),
  link: t.array(t.type({ relation: t.string, url: t.string })),
})

export interface ManifestPage {
  readonly files: ReadonlyArray<NamedFile>
  readonly next?: string
}

/** `base`: its URL, which relative ones go by. */
export function readManifest(bytes: Uint8Array, base: string): ManifestPage {
  const { output = [], deleted = [], link = [] } = decoded(bytes)
  const next = link.find(({ relation }) => relation === 'next')?.url
  const absolute = (url: string): string => {
    if (!URL.canParse(url, base)) throw new SourceProblem('its manifest holds a URL that is none')
    const { href, protocol } = new URL(url, base)
    if (protocol !== 'file:' || base.startsWith('file:')) return href
    throw new SourceProblem('its manifest is of another server, and names a file of this machine')
  }
  return {
    files: [
      ...output.map(({ url, type, count }) => ({ url: absolute(url), ...ofType(type), ...ofCount(count) })),
      ...deleted.map(({ url, count }) => ({ url: absolute(url), kind: 'deletions' as const, ...ofCount(count) })),
    ],
    ...(next === undefined ? undefined : { next: absolute(next) }),
  }
}

const ofType = (type: string | undefined) => (type === undefined ? undefined : { type })
const ofCount = (count: number | undefined) => (count === undefined ? undefined : { count })

function decoded(bytes: Uint8Array): t.TypeOf<typeof ManifestCodec> {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new SourceProblem('its manifest is no JSON')
  }
  const result = ManifestCodec.decode(parsed)
  const isManifest =
    E.isRight(result) &&
    typeof parsed === 'object' &&
    !Array.isArray(parsed) &&
    ('output' in (parsed as object) || 'deleted' in (parsed as object))
  if (isManifest) return result.right
  throw new SourceProblem('its manifest has no output that is a list of files, each with a url')
}
