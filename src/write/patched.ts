/** Patches: planned on the current version, and written only if it is still the current one. */
import { sha256 } from '../../domain/commit.js'
import type { Operation } from '../../domain/decide.js'
import { readDocument } from '../../domain/document.js'
import { applyPatch, readPatch } from '../../domain/fhir/patch/index.js'
import { checkId, checkType } from '../../domain/resource.js'
import { orThrow } from '../../domain/task.js'
import type { BodyInput, PatchOptions } from '../api.js'
import type { Reader } from '../read/reader.js'
import type { PlannedWrite } from './planned.js'
import { bytesOf, checkExpectation, notesOf, type PrepareDeps } from './prepare.js'

export interface PatchDeps extends PrepareDeps {
  readonly reader: Reader
}

export function patchedWrite(
  deps: PatchDeps,
  type: string,
  id: string,
  input: BodyInput,
  options: PatchOptions,
): PlannedWrite {
  const { kind, fhirVersion, reader, limits } = deps
  const ref = { type: orThrow(checkType(kind, type)), id: orThrow(checkId(kind, id)) }
  const bytes = bytesOf(input)
  const patch = orThrow(readPatch(kind, 'the patch', bytes))
  const expect = checkExpectation(options.expect ?? 'exists')
  const notes = notesOf(options)

  async function plan() {
    const { seq } = await reader.head()
    const pointer = await reader.versionWithin(ref, { seq })
    // Without a current version there is nothing to patch: the check says so, whatever else was expected.
    if (pointer === undefined || pointer.op === 'delete')
      return { ...notes, operations: [{ kind: 'check', ...ref, expect: 'exists' } satisfies Operation] }
    const patched = orThrow(
      applyPatch('the patch', patch, await reader.body(pointer), { maxBytes: limits.maxBodyBytes, fhirVersion }),
    )
    const body = orThrow(readDocument(kind, patched, ref.type, ref.id))
    const how = { idAssigned: false, method: 'PATCH', expect, onlyIfChanged: false } as const
    const operation: Operation = { kind: 'put', ...ref, ...how, body }
    return { ...notes, operations: [operation], premises: [{ ...ref, version: pointer.version }] }
  }

  const digest = (): string => sha256(JSON.stringify(['patch', type, id, expect, sha256(bytes)]))
  return { name: 'the patch', digest, plan }
}
