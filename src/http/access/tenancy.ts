/** Which tenant a request is about, and that its token is for it. */
import type { FastifyRequest } from 'fastify'
import { HttpProblem } from '../failures.js'
import { inHeader } from '../places.js'
import { headersNamed } from './bearer.js'
import { forbidden } from './caller.js'
import type { Tenancy } from './settings.js'

/** `own`: the tenant of the server. */
export function tenantNameOf(tenancy: Tenancy, own: string, request: FastifyRequest): string {
  const name = askedFor(tenancy, request) ?? own
  const { tenant } = request.caller
  // Whether there is such a tenant is not told.
  if (tenant !== undefined && tenant !== name) throw forbidden('the token is for another tenant')
  return name
}

function askedFor(tenancy: Tenancy, request: FastifyRequest): string | undefined {
  switch (tenancy.from) {
    case 'path':
      return (request.params as { tenant?: string }).tenant
    case 'header': {
      const [name, ...others] = headersNamed(request, tenancy.header.toLowerCase())
      const problem = `the header ${tenancy.header} has to name one tenant`
      if (name !== undefined && name !== '' && others.length === 0) return name
      throw new HttpProblem(400, 'required', problem, {}, inHeader(tenancy.header))
    }
    case 'claim':
      return request.caller.tenant
    default:
      return undefined
  }
}
