/** The flags that every command has, and what stands in for them. */
import { type Command, Option } from 'commander'
import { defaultFhirVersion, fhirVersions } from '../../domain/fhir/version.js'
import { maxPartitions } from '../../domain/partitions.js'
import { maxShards } from '../../domain/shards.js'
import type { Store } from '../index.js'
import { usage } from './failure.js'
import type { Io } from './io.js'

export const defaultStore = 'file:./annals-data'
export const defaultTenant = 'default'

export interface Settings {
  readonly store: string
  readonly tenant: string
  /** One of the tenant's logs, rather than all of them. */
  readonly partition?: number
  readonly json: boolean
}

interface Flags {
  readonly store?: string
  readonly tenant?: string
  readonly partition?: number
  readonly json?: boolean
}

export const withCommonFlags = (command: Command): Command =>
  command
    .addOption(new Option('--store <url>', `the store (or ANNALS_STORE; default ${defaultStore})`).helpGroup('Common:'))
    .addOption(
      new Option('--tenant <name>', `the tenant (or ANNALS_TENANT; default ${defaultTenant})`).helpGroup('Common:'),
    )
    .addOption(
      new Option('--partition <n>', 'one log of a tenant that has several, from 0 (default: all)')
        .argParser(wholeNumber('--partition', 0, maxPartitions - 1))
        .helpGroup('Common:'),
    )
    .addOption(new Option('--json', 'JSON on stdout, and errors as JSON on stderr').helpGroup('Common:'))
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup('Common:'))

/** `flags` is what commander has made of a command line. */
export function settingsOf(io: Io, flags: object): Settings {
  const { store, tenant, partition, json } = flags as Flags
  return {
    store: store ?? io.env.ANNALS_STORE ?? defaultStore,
    tenant: tenant ?? io.env.ANNALS_TENANT ?? defaultTenant,
    json: json === true,
    ...(partition === undefined ? undefined : { partition }),
  }
}

/** The tenant of the flags, or every tenant of the store. */
export async function* tenantsOf({ tenant }: Settings, store: Store, all: boolean | undefined): AsyncGenerator<string> {
  if (all === true) yield* store.tenants()
  else yield tenant
}

/** For an option that is a whole number. */
export const wholeNumber =
  (what: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
    throw usage(`${what} is a whole number ${range}, not '${text.slice(0, 64)}'`)
  }

export const shardsFlag = (): Option =>
  new Option('--shards <n>', `shards of the type indexes of a new tenant, 1 to ${maxShards} (default: 1)`).argParser(
    wholeNumber('--shards', 1, maxShards),
  )

export const fhirVersionFlag = (): Option =>
  new Option('--fhir-version <version>', `FHIR version of a new tenant (default: ${defaultFhirVersion})`).choices([
    ...fhirVersions,
  ])

export const partitionsFlag = (): Option =>
  new Option('--partitions <n>', `logs of a new tenant, 1 to ${maxPartitions} (default: 1)`).argParser(
    wholeNumber('--partitions', 1, maxPartitions),
  )

export interface Target {
  readonly type: string
  readonly id: string
}

/** `Type/id`; an id may hold further slashes (tenants of JSON documents). */
export function parseTarget(text: string): Target {
  const { type, id } = parseScope(text)
  if (id === undefined) throw usage(`'${text.slice(0, 64)}' names no resource; write Type/id, such as Patient/p1`)
  return { type, id }
}

/** `Type` or `Type/id`. */
export function parseScope(text: string): { type: string; id?: string } {
  const slash = text.indexOf('/')
  return slash < 0 ? { type: text } : { type: text.slice(0, slash), id: text.slice(slash + 1) }
}
