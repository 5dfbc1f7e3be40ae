/** Entity tags and instants of conditional reads. (RFC 9110, 13; FHIR R4, RESTful API: conditional read) */
import type { FastifyRequest } from 'fastify'

/** Whether an If-None-Match, or else an If-Modified-Since, says that the client has this already. `at`: known to the second. */
export function isUnchanged({ headers }: FastifyRequest, tag: string, at?: string): boolean {
  const tags = headers['if-none-match']
  if (tags !== undefined) return tagsIn(tags).some((each) => each === '*' || opaque(each) === opaque(tag))
  const since = headers['if-modified-since']
  if (since === undefined || at === undefined || Number.isNaN(Date.parse(since))) return false
  return Math.floor(Date.parse(at) / 1000) <= Math.floor(Date.parse(since) / 1000)
}

/** A comma may stand in a tag, too. */
const tagsIn = (text: string): string[] => text.match(/(?:W\/)?"[^"]*"|\*/g) ?? []

/** Weak and strong tags are compared alike. */
const opaque = (tag: string): string => tag.replace(/^W\//, '')
