/** What a client accepts, by its Accept header: media types and ranges of them, each with a quality. (RFC 9110, 12.5.1) */

export interface MediaRange {
  /** In lower case: `application/json`, `image/*`, or a star for both. */
  readonly type: string
  readonly quality: number
  /** In lower case, without quotes. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Ranges of one header: more are passed over. */
const maxRanges = 50

export const readAccept = (text: string): MediaRange[] => text.split(',', maxRanges).map(readMediaType)

/** A media type with its parameters, as Content-Type and Accept have it. */
export function readMediaType(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase())
  const parameters = new Map(
    rest.map((parameter): [string, string] => {
      const [name = '', value = ''] = parameter.split('=', 2)
      return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')]
    }),
  )
  const quality = Number(parameters.get('q') ?? 1)
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0, parameters }
}

/** How much a type is accepted, from 0 to 1: the range that names it most precisely counts. */
function qualityOf(ranges: ReadonlyArray<MediaRange>, type: string): number {
  const [group = ''] = type.split('/')
  for (const name of [type, `${group}/*`, '*/*']) {
    const named = ranges.filter((range) => range.type === name)
    if (named.length > 0) return Math.max(...named.map(({ quality }) => quality))
  }
  return 0
}

/** The type that is accepted most; of several, the first one. */
export function preferredOf(ranges: ReadonlyArray<MediaRange>, types: ReadonlyArray<string>): string | undefined {
  let best: string | undefined
  for (const type of types)
    if (qualityOf(ranges, type) > (best === undefined ? 0 : qualityOf(ranges, best))) best = type
  return best
}
