/** GET requests to addresses of others: redirects, time-outs and private addresses are bounded. */
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { SourceProblem } from '../../domain/ports/index.js'
import { checkHost, publicLookup } from './addresses.js'

export interface RequestRules {
  /** Asks addresses of this machine and of private networks, too. */
  readonly allowPrivate: boolean
  readonly maxRedirects: number
  /** How long nothing may come, in milliseconds. */
  readonly idleTimeoutMs: number
}

export type Get = (
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<IncomingMessage>

export function makeGet(rules: RequestRules): Get {
  const lookup = rules.allowPrivate ? undefined : publicLookup
  const agents = {
    'http:': new http.Agent({ keepAlive: true, lookup } as http.AgentOptions),
    'https:': new https.Agent({ keepAlive: true, lookup } as https.AgentOptions),
  }

  function once(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const { protocol } = url
    if (protocol !== 'http:' && protocol !== 'https:') throw new SourceProblem('its URL is neither http nor https')
    if (url.username !== '' || url.password !== '') throw new SourceProblem('its URL holds credentials')
    if (!rules.allowPrivate) checkHost(url.hostname)
    const { get } = protocol === 'http:' ? http : https
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: agents[protocol], headers, signal, timeout: rules.idleTimeoutMs }, resolve)
      request.on('timeout', () => request.destroy(new Error('nothing came for too long')))
      request.on('error', reject)
    })
  }

  return async (text, headers, signal) => {
    let url = parsed(text)
    let said = headers
    for (let redirects = 0; ; redirects++) {
      const answer = await once(url, said, signal)
      const { statusCode = 0, headers: told } = answer
      if (statusCode < 300 || statusCode >= 400 || told.location === undefined) return answer
      // Whatever it says besides may have no end.
      answer.destroy()
      if (redirects === rules.maxRedirects)
        throw new SourceProblem(`it redirects more than ${rules.maxRedirects} times`)
      const next = parsed(told.location, url)
      // What a caller says to one server is not for another.
      if (next.origin !== url.origin) said = {}
      url = next
    }
  }
}

function parsed(text: string, base?: URL): URL {
  try {
    return new URL(text, base)
  } catch {
    throw new SourceProblem('its URL is none')
  }
}
