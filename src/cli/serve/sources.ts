/** Where settings come from: flags before variables before the file before the defaults. Whatever is wrong is named together. */
import { readFile } from 'node:fs/promises'
import * as E from 'fp-ts/lib/Either.js'
import { scanBody } from '../../../domain/body/index.js'
import type { AnnalsError } from '../../../domain/error.js'
import { usage } from '../failure.js'
import type { Io } from '../io.js'
import { safe } from '../text.js'
import {
  type ServeSettings,
  type SettingName,
  settingNames,
  settings,
  flagOf as toFlag,
  variableOf as toVariable,
  variablePrefix,
} from './settings.js'
import { suggestionFor } from './suggestion.js'

export interface Configured {
  readonly settings: ServeSettings
  /** Of those that are given: by which flag, variable or file. */
  readonly from: Readonly<Partial<Record<SettingName, string>>>
}

/** What one source gives, and how it calls each of it. */
interface Source {
  readonly values: Readonly<Record<string, unknown>>
  /** For messages. */
  nameOf(setting: string): string
  /** For the log. */
  originOf(setting: string): string
}

/** The variable that names the file, as `--config` does. */
export const configVariable = `${variablePrefix}CONFIG`
const maxFileBytes = 1024 * 1024

/** `flags`: as commander has read them. */
export async function configured(io: Io, flags: Readonly<Record<string, unknown>>): Promise<Configured> {
  const problems: string[] = []
  const path = (flags.config as string | undefined) ?? io.env[configVariable]
  const sources = [
    fromFlags(flags),
    fromVariables(io, problems),
    ...(path === undefined ? [] : [await fromFile(path, problems)]),
  ]
  const found: Partial<Record<SettingName, unknown>> = {}
  const from: Partial<Record<SettingName, string>> = {}
  for (const name of settingNames) {
    const source = sources.find(({ values }) => values[name] !== undefined)
    const { kind, fallback } = settings[name]
    found[name] = fallback
    if (source === undefined) continue
    const given = source.values[name]
    const decoded = kind.decode(given)
    if (E.isLeft(decoded)) problems.push(`${source.nameOf(name)} is not ${kind.name}: ${shown(given)}`)
    else found[name] = decoded.right
    from[name] = source.originOf(name)
  }
  if (problems.length > 0) throw usage(problems.join('; '))
  return { settings: found as ServeSettings, from }
}

const fromFlags = (values: Readonly<Record<string, unknown>>): Source => ({
  values,
  nameOf: toFlag,
  originOf: toFlag,
})

/** An empty variable is as good as none. */
function fromVariables({ env }: Io, problems: string[]): Source {
  const known = new Map(settingNames.map((name) => [toVariable(name), name]))
  const values: Record<string, unknown> = {}
  for (const [variable, value] of Object.entries(env)) {
    const name = known.get(variable)
    if (name !== undefined && value !== '') values[name] = value
    if (name !== undefined || !variable.startsWith(variablePrefix) || variable === configVariable) continue
    problems.push(`there is no variable ${safe(variable.slice(0, 64))}${suggestionFor(variable, [...known.keys()])}`)
  }
  return { values, nameOf: toVariable, originOf: toVariable }
}

async function fromFile(path: string, problems: string[]): Promise<Source> {
  const values = await readMembers(path)
  for (const name of Object.keys(values))
    if (!settingNames.includes(name as SettingName))
      problems.push(`there is no setting '${safe(name.slice(0, 64))}' (${path})${suggestionFor(name, settingNames)}`)
  return { values, nameOf: (name) => `${name} in ${path}`, originOf: () => path }
}

/** The members of a JSON file. */
export async function readMembers(path: string): Promise<Record<string, unknown>> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw usage(`${path} cannot be read: ${error.message}`)
  })
  if (bytes.length > maxFileBytes) throw usage(`${path} is no file of settings: it has more than ${maxFileBytes} bytes`)
  const scanned = scanBody(bytes)
  if (E.isLeft(scanned)) throw usage(`${path}${problemIn(scanned.left)}`)
  return JSON.parse(bytes.toString())
}

/** Without a quotation of the file. */
function problemIn(error: AnnalsError): string {
  if (error._tag !== 'InvalidBody') return `: ${error.message}`
  const { line, column, problem } = error.data
  return `:${line}:${column}: ${problem}`
}

/** A value that is not acceptable, without what only the one who gave it may know. */
const shown = (value: unknown): string => {
  const said = withoutCredentials(typeof value === 'string' ? value : JSON.stringify(value))
  return `'${safe(said.length > 64 ? `${said.slice(0, 64)}…` : said)}'`
}

/** URLs hold credentials before an @. */
export const withoutCredentials = (said: string): string => said.replace(/(:\/\/)[^\s/]*@/g, '$1')
