/** Everything that a tenant answers, as plain values that can be compared. */
import { createHash } from 'node:crypto'
import type { HistoryOptions, ResourceVersion, Tenant } from '../../src/index.js'

/** One version in a line. */
const line = ({ text, json, body, position, ...version }: ResourceVersion): string =>
  JSON.stringify({
    ...version,
    position: `${position.partition}-${position.seq}-${position.index}`,
    sha256: body && createHash('sha256').update(body).digest('hex'),
  })

export async function* historyOf(
  tenant: Tenant,
  scope: { type?: string; id?: string },
  options: HistoryOptions = {},
): AsyncGenerator<ResourceVersion> {
  let cursor: string | undefined
  do {
    const page = await tenant.history(scope, { count: 500, ...options, cursor })
    yield* page.entries
    cursor = page.cursor
  } while (cursor !== undefined)
}

export interface TenantState {
  readonly head: string
  readonly current: ReadonlyArray<string>
  readonly instances: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
  readonly system: ReadonlyArray<string>
}

export async function stateOf(tenant: Tenant, refs: ReadonlyArray<{ type: string; id: string }>): Promise<TenantState> {
  const current: string[] = []
  const instances: string[] = []
  for (const { type, id } of refs) {
    const version = await tenant.read(type, id)
    current.push(version === undefined ? `${type}/${id} is missing` : line(version))
    for await (const each of historyOf(tenant, { type, id }, { bodies: false })) instances.push(line(each))
  }
  const types: string[] = []
  for (const type of new Set(refs.map((ref) => ref.type)))
    for await (const each of historyOf(tenant, { type })) types.push(line(each))
  const system: string[] = []
  for await (const each of historyOf(tenant, {})) system.push(line(each))
  return { head: JSON.stringify(await tenant.head()), current, instances, types, system }
}
