/**
 * Binary by its content: who accepts its type more than resources gets the content itself, and what is sent as another type than those
 * of FHIR becomes a Binary that holds it. (FHIR R4, Binary: serving Binary resources using the RESTful API)
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { binaryOf, type Content, contentIn } from '../../../domain/fhir/binary.js'
import { isOfFhir, variesByAccept, wantedOf } from '../formats.js'
import { readMediaType } from '../negotiation.js'

/** `undefined`: the resource is wanted. */
export function wantedContent(request: FastifyRequest, resource: Uint8Array): Content | undefined {
  const content = contentIn(resource)
  const wanted = wantedOf(request, content === undefined ? [] : [readMediaType(content.type).type])
  return wanted === undefined ? undefined : content
}

export function sendContent(reply: FastifyReply, { type, bytes, securityContext }: Content): FastifyReply {
  variesByAccept(reply).headers({
    'content-type': type,
    // Whatever it is, no browser runs anything of it here.
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    ...(securityContext === undefined ? undefined : { 'x-security-context': securityContext }),
  })
  return reply.send(bytes)
}

/** Whether what is sent is no resource, but the content of one. */
export const isContent = ({ headers }: FastifyRequest): boolean =>
  headers['content-type'] !== undefined && !isOfFhir(headers['content-type'])

export function binaryOfContent({ headers, params }: FastifyRequest, bytes: Uint8Array): Uint8Array {
  const { 'content-type': type = '', 'x-security-context': context } = headers
  const { id } = params as { id?: string }
  return binaryOf({ type, bytes, ...(typeof context === 'string' ? { securityContext: context } : undefined) }, id)
}
