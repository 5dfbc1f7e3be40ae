/** Clients that others wrote, each told in its own words to do the same things. What they answer is theirs. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { MedplumClient, OperationOutcomeError } from '@medplum/core'
import { Client as KitClient } from 'fhir-kit-client'
import fhirclient from 'fhirclient'

export interface Resource {
  readonly resourceType: string
  readonly id?: string
  readonly meta?: { readonly versionId?: string; readonly lastUpdated?: string }
  readonly [element: string]: unknown
}

export interface Bundle extends Resource {
  readonly type: string
  readonly entry?: ReadonlyArray<{
    readonly fullUrl?: string
    readonly resource?: Resource
    readonly request?: { readonly method: string; readonly url: string; readonly ifNoneExist?: string }
    readonly response?: { readonly status: string; readonly location?: string }
  }>
}

export interface Patch {
  readonly op: 'add' | 'replace' | 'remove' | 'test'
  readonly path: string
  readonly value?: unknown
}

export interface FhirClient {
  fhirVersion(): Promise<string>
  create(resource: Resource): Promise<Resource>
  read(type: string, id: string): Promise<Resource>
  vread(type: string, id: string, version: string): Promise<Resource>
  update(resource: Resource, ifMatch?: string): Promise<Resource>
  patch(type: string, id: string, operations: ReadonlyArray<Patch>): Promise<Resource>
  remove(type: string, id: string): Promise<unknown>
  /** Of a resource, a type or the system. */
  history(type?: string, id?: string): Promise<Bundle>
  /** The ids on each page of a type, as the client follows the links. */
  pages(type: string, count: number): AsyncIterable<ReadonlyArray<string>>
  send(bundle: Bundle): Promise<Bundle>
  /** What it makes of a failure: the status, or the code of the outcome, whichever it tells its user. */
  failure(error: unknown): unknown
}

const idsOf = ({ entry = [] }: Bundle): string[] => entry.map(({ resource }) => resource?.id ?? '')

/** `fhir-kit-client`, for programs. */
export function kitClient(baseUrl: string): FhirClient {
  const client = new KitClient({ baseUrl })
  const as = async <A = Resource>(answer: Promise<unknown>): Promise<A> => (await answer) as A
  return {
    fhirVersion: async () => (await as<{ fhirVersion: string }>(client.capabilityStatement())).fhirVersion,
    create: (body) => as(client.create({ resourceType: body.resourceType, body: body as never })),
    read: (resourceType, id) => as(client.read({ resourceType, id })),
    vread: (resourceType, id, version) => as(client.vread({ resourceType, id, version })),
    update: (body, ifMatch) => {
      const options = ifMatch === undefined ? {} : { headers: { 'If-Match': ifMatch } }
      return as(client.update({ resourceType: body.resourceType, id: body.id, body: body as never, options } as never))
    },
    patch: (resourceType, id, jsonPatch) => as(client.patch({ resourceType, id, jsonPatch: jsonPatch as never })),
    remove: (resourceType, id) => client.delete({ resourceType, id }),
    history: (resourceType, id) => as(client.history({ resourceType, id } as never)),
    async *pages(resourceType, _count) {
      let page = await as<Bundle | undefined>(client.resourceSearch({ resourceType, searchParams: { _count } }))
      while (page !== undefined) {
        yield idsOf(page)
        page = await as<Bundle | undefined>(client.nextPage({ bundle: page as never }) ?? Promise.resolve())
      }
    },
    send: (body) => as(body.type === 'batch' ? client.batch({ body } as never) : client.transaction({ body } as never)),
    failure: (error) => (error as { response?: { status: number } }).response?.status,
  }
}

/**
 * `fhirclient`, of SMART apps: asks for `application/json`, and prefers `return=presentation` of a patch. (The overrides of
 * `package.json` spare it the WebCrypto of its browser build, which brings React Native with it.)
 */
export function smartClient(serverUrl: string): FhirClient {
  // As in a web server before anybody has logged in. (The storage would keep a login.)
  const storage = { get: async () => undefined, set: async () => undefined, unset: async () => true }
  const smart = fhirclient({} as IncomingMessage, {} as ServerResponse, storage as never)
  const client = smart.client({ serverUrl })
  const as = async <A = Resource>(answer: Promise<unknown>): Promise<A> => (await answer) as A
  return {
    fhirVersion: () => client.getFhirVersion(),
    create: (resource) => as(client.create(resource as never)),
    read: (type, id) => as(client.request(`${type}/${id}`)),
    vread: (type, id, version) => as(client.request(`${type}/${id}/_history/${version}`)),
    update: (resource, ifMatch) =>
      as(client.update(resource as never, ifMatch === undefined ? {} : { headers: { 'If-Match': ifMatch } })),
    patch: (type, id, operations) => as(client.patch(`${type}/${id}`, operations as never)),
    remove: (type, id) => client.delete(`${type}/${id}`),
    history: (...place) => as(client.request([...place, '_history'].filter((part) => part !== undefined).join('/'))),
    async *pages(type, count) {
      for await (const page of client.pages(`${type}?_count=${count}`)) yield idsOf(page as Bundle)
    },
    send: (bundle) =>
      as(
        client.request({
          url: '',
          method: 'POST',
          body: JSON.stringify(bundle),
          headers: { 'content-type': 'application/json' },
        }),
      ),
    failure: (error) => (error as { status?: number }).status,
  }
}

/** `@medplum/core`, of Medplum's own server, whose `fhir/R4` is a `fhir` here. */
export function medplumClient(base: string): FhirClient {
  const client = new MedplumClient({ baseUrl: base.replace(/fhir$/, ''), fhirUrlPath: 'fhir', fetch, cacheTime: 0 })
  const as = async <A = Resource>(answer: PromiseLike<unknown>): Promise<A> => (await answer) as A
  return {
    fhirVersion: async () => (await as<{ fhirVersion: string }>(client.get(client.fhirUrl('metadata')))).fhirVersion,
    create: (resource) => as(client.createResource(resource as never)),
    read: (type, id) => as(client.readResource(type as 'Patient', id)),
    vread: (type, id, version) => as(client.readVersion(type as 'Patient', id, version)),
    update: (resource, ifMatch) =>
      as(client.updateResource(resource as never, ifMatch === undefined ? {} : { headers: { 'If-Match': ifMatch } })),
    patch: (type, id, operations) => as(client.patchResource(type as 'Patient', id, operations as never)),
    remove: (type, id) => client.deleteResource(type as 'Patient', id),
    history: (type, id) =>
      type !== undefined && id !== undefined
        ? as(client.readHistory(type as 'Patient', id))
        : as(client.get(client.fhirUrl(...(type === undefined ? [] : [type]), '_history'))),
    async *pages(type, count) {
      for await (const page of client.searchResourcePages(type as 'Patient', { _count: count }))
        yield page.map(({ id }) => id)
    },
    send: (bundle) => as(client.executeBatch(bundle as never)),
    failure: (error) => (error instanceof OperationOutcomeError ? error.outcome.issue[0]?.code : error),
  }
}
