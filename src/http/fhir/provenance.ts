/**
 * The Provenance of a write, which a client sends along in the header X-Provenance: as JSON, whatever the body is, and without a
 * target. (FHIR R4, Provenance: HTTP header)
 */
import type { FastifyRequest } from 'fastify'
import type { BundleOptions } from '../../index.js'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'

/** The longest header of this kind, in bytes. Node.js takes 16 KiB of headers together. */
const maxProvenanceBytes = 8 * 1024

export function provenanceOf({ headers }: FastifyRequest): Pick<BundleOptions, 'provenance'> {
  const { 'x-provenance': value } = headers
  if (value === undefined) return {}
  // Node.js reads a header as bytes, and a client writes UTF-8.
  const provenance = Buffer.from(String(value), 'latin1')
  if (provenance.length <= maxProvenanceBytes) return { provenance }
  const problem = `X-Provenance: at most ${maxProvenanceBytes} bytes are taken; send it as an entry of a transaction`
  throw new HttpProblem(400, 'too-long', problem, {}, inHeader('X-Provenance'))
}
