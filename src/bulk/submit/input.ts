/** What callers say of submissions, checked. */
import { sha256 } from '../../../domain/commit.js'
import { type AnnalsError, annalsError } from '../../../domain/error.js'
import { checkSegment } from '../../../domain/resource.js'
import { orThrow } from '../../../domain/task.js'
import { notesOf } from '../../write/prepare.js'
import type { ManifestInput, SubmissionName, SubmissionOptions } from './api.js'
import type { FileDocument, ManifestDocument } from './journal.js'
import { fileDocument } from './process.js'

const maxFiles = 10_000
const maxHeaders = 50

export function checkName(name: SubmissionName): SubmissionName {
  orThrow(checkSegment('submitter', name.submitter))
  orThrow(checkSegment('submission', name.submission))
  return name
}

const modes = ['create-or-update', 'merge-patch', 'create-only']

export function checkOptions(options: SubmissionOptions): SubmissionOptions {
  const { mode, allowUpdates, continueOnError, maxErrors, keep, actor, reason } = options
  if (mode !== undefined && !modes.includes(mode)) throw invalid('mode', `it is one of ${modes.join(', ')}`)
  if (keep !== undefined && keep !== 'packed' && keep !== 'each-line')
    throw invalid('keep', "it is 'packed' or 'each-line'")
  if (maxErrors !== undefined && !(Number.isSafeInteger(maxErrors) && maxErrors >= 0))
    throw invalid('maxErrors', 'a whole number from 0 is needed')
  notesOf({ actor, reason })
  const said = { mode, allowUpdates, continueOnError, maxErrors, keep, actor, reason }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

export function checkManifest(
  input: ManifestInput,
): Pick<ManifestDocument, 'id' | 'url' | 'files' | 'headers' | 'replaces'> {
  const { url, files, headers, replaces } = input
  if ((url === undefined) === (files === undefined)) throw invalid('manifest', 'it has a URL, or files of its own')
  if (files !== undefined && files.length > maxFiles)
    throw annalsError('LimitExceeded', { what: 'the manifest', limit: maxFiles, actual: files.length, unit: 'files' })
  if (headers !== undefined && Object.keys(headers).length > maxHeaders)
    throw invalid('headers', `at most ${maxHeaders} are taken`)
  const id = input.id ?? sha256(url ?? JSON.stringify(files)).slice(0, 32)
  orThrow(checkSegment('manifest', id))
  return {
    id,
    files: (files ?? []).map(fileDocument),
    ...(url === undefined ? undefined : { url }),
    ...(headers === undefined ? undefined : { headers }),
    ...(replaces === undefined ? undefined : { replaces }),
  }
}

/** What a manifest at a URL names is found there. */
export const isSame = (
  one: ManifestDocument,
  { url, replaces, files }: Pick<ManifestDocument, 'url' | 'replaces' | 'files'>,
) =>
  one.url === url &&
  one.replaces === replaces &&
  (url !== undefined || JSON.stringify(one.files.map(namedFile)) === JSON.stringify(files.map(namedFile)))

const namedFile = ({ url, kind, type, count }: FileDocument) => ({ url, kind, type, count })

const invalid = (what: string, problem: string): AnnalsError => annalsError('InvalidInput', { what, problem })
