/** What writers ask for, asked of a FHIR server: alone as an interaction, several as a transaction. */
import type { Answer } from './reports.js'
import { bodyOf, type Request, resourceType, type Wish } from './wish.js'

/** A FHIR transaction deletes first, then creates, then updates, in whatever order its entries are; and its log says so. */
export const inOrder = ({ key, wishes }: Request): Request => ({
  key,
  wishes: [...wishes].sort((a, b) => placeOf(a) - placeOf(b)),
})

const placeOf = (wish: Wish): number => (wish.op === 'delete' ? 0 : wish.id === undefined ? 1 : 2)

/** `undefined` is a conflict. What the server cannot do for now is asked again, as it says. */
export async function ask(base: string, request: Request): Promise<Answer | undefined> {
  for (;;) {
    const answer = await (request.wishes.length === 1 ? askAlone(base, request) : askTogether(base, request))
    if (answer !== 'later') return answer
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

const retryMs = 100

type Asked = Answer | undefined | 'later'

async function askAlone(base: string, { key, wishes }: Request): Promise<Asked> {
  const [wish] = wishes as [Wish]
  const { method, url, body, ...conditions } = interactionOf(wish, key, 0)
  const answer = await fetch(`${base}/${url}`, {
    method,
    headers: { ...headersFor(key), ...headersOf(conditions) },
    ...(body === undefined ? undefined : { body }),
  })
  await answer.arrayBuffer()
  const failure = failureOf(answer)
  if (failure !== undefined) return failure === 'conflict' ? undefined : 'later'
  return { results: [resultOf(wish, answer.headers.get('etag'), answer.headers.get('location'))] }
}

async function askTogether(base: string, { key, wishes }: Request): Promise<Asked> {
  const entry = wishes.map((wish, part) => {
    const { body, ...request } = interactionOf(wish, key, part)
    return { request, ...(body === undefined ? undefined : { resource: JSON.parse(body) }) }
  })
  const bundle = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })
  const answer = await fetch(base, { method: 'POST', headers: headersFor(key), body: bundle })
  const { entry: entries = [] } = (await answer.json()) as { entry?: { response: Record<string, string> }[] }
  const failure = failureOf(answer)
  if (failure !== undefined) return failure === 'conflict' ? undefined : 'later'
  const results = wishes.map((wish, part) => {
    const { etag = null, location = null } = entries[part]?.response ?? {}
    return resultOf(wish, etag, location)
  })
  return { results }
}

interface Interaction {
  readonly method: string
  readonly url: string
  readonly body?: string
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
}

function interactionOf(wish: Wish, key: string, part: number): Interaction {
  if (wish.op === 'create' && wish.id === undefined)
    return { method: 'POST', url: resourceType, body: bodyOf(key, part, wish.size) }
  const url = `${resourceType}/${wish.id}`
  if (wish.op === 'delete') return { method: 'DELETE', url, ...expecting(wish.expect) }
  const body = JSON.stringify({ ...JSON.parse(bodyOf(key, part, wish.size)), id: wish.id })
  return { method: 'PUT', url, body, ...expecting(wish.op === 'create' ? 0 : wish.expect) }
}

/** Version 0 is none. */
const expecting = (version: number | undefined) =>
  version === undefined ? {} : version === 0 ? { ifNoneMatch: '*' } : { ifMatch: `W/"${version}"` }

const headersFor = (key: string) => ({ 'content-type': 'application/fhir+json', 'idempotency-key': key })

const headersOf = ({ ifMatch, ifNoneMatch }: Pick<Interaction, 'ifMatch' | 'ifNoneMatch'>) => ({
  ...(ifMatch === undefined ? undefined : { 'if-match': ifMatch }),
  ...(ifNoneMatch === undefined ? undefined : { 'if-none-match': ifNoneMatch }),
})

function failureOf({ status, url }: Response): 'conflict' | 'later' | undefined {
  if (status < 300) return undefined
  if (status === 412) return 'conflict'
  if (status === 503) return 'later'
  throw new Error(`${status} of ${url}`)
}

/** That nothing was deleted is not told. */
function resultOf(wish: Wish, etag: string | null, location: string | null): Answer['results'][number] {
  if (wish.op === 'delete') return { id: wish.id, version: 0, changed: false }
  const version = Number(/^W\/"(\d+)"$/.exec(etag ?? '')?.[1])
  const id = wish.id ?? /\/([^/]+)\/_history\//.exec(location ?? '')?.[1] ?? ''
  return { id, version, changed: true }
}

/** An acknowledged write is visible to every read that begins after it. */
export async function checkVisible(base: string, { results }: Answer): Promise<void> {
  for (const { id, version, changed } of results) {
    if (!changed) continue
    const answer = await fetch(`${base}/${resourceType}/${id}`)
    await answer.arrayBuffer()
    const seen = Number(/\d+/.exec(answer.headers.get('etag') ?? '')?.[0] ?? 0)
    if (seen < version) throw new Error(`${id} was acknowledged as version ${version} and read as ${seen}`)
  }
}
