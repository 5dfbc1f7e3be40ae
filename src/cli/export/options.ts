/** What the flags of `annals export` ask for. */
import { resolve } from 'node:path'
import type { ExportOptions } from '../../index.js'
import { usage } from '../failure.js'

export interface ExportFlags {
  readonly type?: ReadonlyArray<string>
  readonly typeFilter?: ReadonlyArray<string>
  readonly elements?: ReadonlyArray<string>
  readonly since?: string
  readonly until?: string
  readonly deleted: boolean
  readonly patients?: boolean
  readonly patient?: ReadonlyArray<string>
  readonly group?: string
  readonly to?: string
  readonly job?: string
  readonly actor?: string
}

/** For an option that may come again, and of which each may name several. */
export const listed = (text: string, before: ReadonlyArray<string> = []): ReadonlyArray<string> => [
  ...before,
  ...text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== ''),
]

/** For an option that may come again: commas mean something in it. */
export const repeated = (text: string, before: ReadonlyArray<string> = []): ReadonlyArray<string> => [...before, text]

export function optionsOf(flags: ExportFlags): ExportOptions {
  const { type: types, typeFilter: typeFilters, elements, since, until, patient, group, to, actor } = flags
  const level =
    group !== undefined ? { group } : flags.patients === true || patient !== undefined ? 'patient' : undefined
  return {
    ...given({ types, typeFilters, elements, since, until, level, patients: patient, actor }),
    ...(to === undefined ? undefined : { to: placeOf(to) }),
    ...(flags.deleted ? undefined : { deleted: false }),
  }
}

const given = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never

/** A path is a folder of this machine. */
const placeOf = (to: string): string => (/^[a-z][a-z0-9+.-]+:/i.test(to) ? to : `file:${resolve(to)}`)

/** An interrupted export knows what it was asked for. */
export function checkResumed({ job, deleted, ...rest }: ExportFlags): string | undefined {
  const { type, typeFilter, elements, since, until, patients, patient, group, to, actor } = rest
  const said = { type, 'type-filter': typeFilter, elements, since, until, patients, patient, group, to, actor }
  const [name] = Object.entries(said).find(([, value]) => value !== undefined) ?? (deleted ? [] : ['no-deleted'])
  if (job !== undefined && name !== undefined)
    throw usage(`--job goes on with an export as it was begun: leave out --${name}`)
  return job
}
