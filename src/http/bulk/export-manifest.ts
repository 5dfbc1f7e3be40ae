/**
 * The manifest of a complete export. Its outcomes are named twice: `error` as Bulk Data Access 2 and 3 have it, `outcome` as 4 does.
 */
import type { ExportPart, ExportStatus } from '../../index.js'
import type { Note } from './export-jobs.js'

export interface ManifestOptions {
  /** Of the export: its files stand below. */
  readonly url: string
  readonly requiresAccessToken: boolean
  may(part: ExportPart): boolean
  /** URLs of the storage itself, by the names of files (default: they are fetched from the server). */
  readonly signed?: ReadonlyMap<string, string>
}

export function manifestOf({ transactionTime, parts }: ExportStatus, { request }: Note, options: ManifestOptions) {
  const { url, requiresAccessToken, may, signed } = options
  const of = (kind: ExportPart['kind']) =>
    parts
      .filter((part) => part.kind === kind && may(part))
      .map((part) => ({
        type: part.type ?? (kind === 'deleted' ? 'Bundle' : 'OperationOutcome'),
        url: signed?.get(part.name) ?? `${url}/${part.name}`,
        count: part.count,
        fileSize: part.bytes,
      }))
  const error = of('error')
  return {
    manifestType: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest',
    transactionTime,
    request,
    requiresAccessToken,
    outputFormat: 'application/fhir+ndjson',
    output: of('output'),
    deleted: of('deleted'),
    error,
    outcome: error,
    link: [],
  }
}
