/** `annals put`, `annals patch` and `annals delete`: one write each. */
import { Option } from 'commander'
import { scanBody } from '../../../domain/body/index.js'
import type { Expectation, FhirVersion, Kind, Tenant, WriteResult } from '../../index.js'
import { defaultLimits, formatPosition } from '../../index.js'
import { type AuditFlags, auditOptions, withAuditFlags } from '../audit.js'
import { CliFailure, usage } from '../failure.js'
import { readInput } from '../input.js'
import type { AddCommand } from '../program.js'
import { makeSession, type Session, withTenant } from '../session.js'
import {
  fhirVersionFlag,
  parseScope,
  parseTarget,
  partitionsFlag,
  settingsOf,
  shardsFlag,
  wholeNumber,
} from '../settings.js'

interface WriteFlags extends AuditFlags {
  readonly ifVersion?: number
}

interface PutFlags extends WriteFlags {
  readonly create?: boolean
  readonly onlyIfChanged?: boolean
  readonly kind?: Kind
  readonly fhirVersion?: FhirVersion
  readonly shards?: number
  readonly partitions?: number
}

const putExamples = `  annals put Patient/p1 p1.json                    create it, or write the next version
  annals put Patient/p1 p1.json --if-version 3     only if version 3 is the current one
  annals put Patient p1.json                       the id is the one in the body; without one the store makes one
  annals put Patient/p1 - --create < p1.json       only if it is not there yet
  annals put Patient/p1 p1.json --actor dr-lee --reason 'corrected the name' --request-key 7f3a

The bytes are kept as they are; the store sets only id, meta.versionId and meta.lastUpdated (not for --kind json).`

export const addPut: AddCommand = (make, surroundings) => {
  withAuditFlags(make('put <Type[/id]> [file]', 'Write one version of a resource, from a file or stdin', putExamples))
    .addOption(new Option('--create', 'only if there is none yet').conflicts(['ifVersion', 'onlyIfChanged']))
    .option('--if-version <n>', 'only if this version is current (0: none is)', wholeNumber('--if-version', 0))
    .option('--only-if-changed', 'write nothing if the body says what the current version says')
    .addOption(new Option('--kind <kind>', 'kind of a new tenant').choices(['fhir', 'json']))
    .addOption(fhirVersionFlag())
    .addOption(shardsFlag())
    .addOption(partitionsFlag())
    .action(async (text: string, file: string | undefined, flags: PutFlags) => {
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const scope = parseScope(text)
      const body = withoutFinalNewline(await readInput(surroundings.io, file, defaultLimits.maxBodyBytes))
      const { kind, fhirVersion, shards, partitions } = flags
      await withTenant(session, { create: true, kind, fhirVersion, shards, partitions }, async (tenant) =>
        showResult(session, await put(tenant, scope.type, scope.id ?? idIn(tenant, body), body, flags)),
      )
    })
}

async function put(
  tenant: Tenant,
  type: string,
  id: string | undefined,
  body: Uint8Array,
  flags: PutFlags,
): Promise<WriteResult> {
  const options = auditOptions(flags)
  if (flags.create || id === undefined) {
    if (flags.ifVersion !== undefined) throw usage('--if-version needs an id: write Type/id')
    return tenant.create(type, body, { ...options, id })
  }
  const { onlyIfChanged } = flags
  return tenant.update(type, id, body, { ...options, expect: expectation(flags), onlyIfChanged })
}

/** A FHIR body may name its own id. One that is no text, or no JSON, is left to the store to refuse. */
function idIn(tenant: Tenant, body: Uint8Array): string | undefined {
  if (tenant.kind !== 'fhir') return undefined
  const scanned = scanBody(body)
  return scanned._tag === 'Right' ? scanned.right.id?.text : undefined
}

const patchExamples = `  annals patch Patient/p1 changes.json
  annals patch Patient/p1 --if-version 3 < changes.json
  echo '[{"op":"replace","path":"/active","value":false}]' | annals patch Patient/p1 --actor dr-lee

A JSON Patch (RFC 6902): add, remove, replace, move, copy, test; or, for FHIR resources, a FHIRPath Patch as Parameters.
All of it is applied, or nothing is (exit code 1). Every byte that it does not name stays.`

export const addPatch: AddCommand = (make, surroundings) => {
  withAuditFlags(
    make(
      'patch <Type/id> [file]',
      'Change a resource by a JSON Patch or a FHIRPath Patch, from a file or stdin',
      patchExamples,
    ),
  )
    .option('--if-version <n>', 'only if this version is current', wholeNumber('--if-version', 1))
    .action(async (text: string, file: string | undefined, flags: WriteFlags) => {
      const { type, id } = parseTarget(text)
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      const patch = await readInput(surroundings.io, file, defaultLimits.maxBodyBytes)
      await withTenant(session, { create: false }, async (tenant) =>
        showResult(
          session,
          await tenant.patch(type, id, patch, { ...auditOptions(flags), expect: expectation(flags) }),
        ),
      )
    })
}

const deleteExamples = `  annals delete Patient/p1
  annals delete Patient/p1 --if-version 3 --actor dr-lee --reason 'entered twice'

A deletion is a version of its own: what was there stays readable with 'annals get --version'.`

export const addDelete: AddCommand = (make, surroundings) => {
  withAuditFlags(make('delete <Type/id>', 'Delete a resource; its versions stay', deleteExamples))
    .option('--if-version <n>', 'only if this version is current', wholeNumber('--if-version', 1))
    .action(async (text: string, flags: WriteFlags) => {
      const { type, id } = parseTarget(text)
      const session = makeSession(surroundings, settingsOf(surroundings.io, flags))
      await withTenant(session, { create: false }, async (tenant) => {
        const result = await tenant.delete(type, id, { ...auditOptions(flags), expect: expectation(flags) })
        if (result.version === 0) throw new CliFailure('NotFound', `there is no ${type}/${id}`, { type, id })
        await showResult(session, result)
      })
    })
}

const expectation = ({ ifVersion }: WriteFlags): Expectation | undefined => ifVersion

/** The newline that ends a text file is the file's, not the body's. */
function withoutFinalNewline(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length
  return bytes.subarray(0, end > 0 && end < bytes.length && bytes[end - 1] === 13 ? end - 1 : end)
}

const verbs = { create: 'created', update: 'updated', delete: 'deleted' } as const

async function showResult({ out, json, colors }: Session, result: WriteResult): Promise<void> {
  const { type, id, version, changed, op, at, position } = result
  if (json) {
    const place = position && formatPosition(position)
    return out.line(JSON.stringify({ type, id, version, changed, op, at, position: place }))
  }
  const verb = changed ? verbs[op ?? 'update'] : 'unchanged'
  return out.line(`${(changed ? colors.green : colors.dim)(verb)} ${type}/${id} version ${version}`)
}
