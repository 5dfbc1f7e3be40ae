/** The manifest of a complete export, in the form of the Bulk Data specification: its URLs are relative to itself. */
import { formatInstant } from '../../../domain/instant.js'
import type { ExportPart } from './api.js'

export interface Manifest {
  readonly transactionTime: string
  readonly requiresAccessToken: boolean
  readonly output: ReadonlyArray<ManifestFile>
  readonly deleted: ReadonlyArray<ManifestFile>
  readonly error: ReadonlyArray<ManifestFile>
}

export interface ManifestFile {
  readonly type: string
  readonly url: string
  readonly count: number
  readonly fileSize: number
}

const typeOf = ({ kind, type = '' }: ExportPart): string =>
  kind === 'output' ? type : kind === 'deleted' ? 'Bundle' : 'OperationOutcome'

export function manifestOf(instant: number, parts: ReadonlyArray<ExportPart>): Manifest {
  const of = (kind: ExportPart['kind']): ManifestFile[] =>
    parts
      .filter((part) => part.kind === kind)
      .map((part) => ({ type: typeOf(part), url: part.name, count: part.count, fileSize: part.bytes }))
  return {
    transactionTime: formatInstant(instant),
    requiresAccessToken: false,
    output: of('output'),
    deleted: of('deleted'),
    error: of('error'),
  }
}
