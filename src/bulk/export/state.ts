/**
 * The state of an export: one object, which moves by compare-and-set. It says everything that another process needs to go on: what
 * was asked for, the snapshot, the place up to which the log has been read, and the parts that are written for good.
 */
import * as t from 'io-ts'
import { type AnnalsError, annalsError, type ErrorTag, type Failures } from '../../../domain/error.js'
import { exportStateKey } from '../../../domain/keys.js'
import type { BlobStore } from '../../../domain/ports/index.js'
import { makeDocuments } from '../documents.js'

const format = 'annals-export/1'

const optional = <C extends t.Mixed>(codec: C) => t.union([codec, t.undefined])
const texts = t.array(t.string)

/** What was asked for, checked. Instants are in microseconds since 1970. */
const RequestCodec = t.type({
  level: t.union([t.literal('system'), t.literal('patient'), t.literal('group')]),
  group: optional(t.string),
  patients: optional(texts),
  base: optional(t.string),
  types: optional(texts),
  typeFilters: optional(texts),
  elements: optional(texts),
  since: optional(t.number),
  until: optional(t.number),
  deleted: t.boolean,
  /** One log of a tenant that has several. */
  partition: optional(t.number),
  to: optional(t.string),
  outcomes: t.array(t.UnknownRecord),
})

const LinkCodec = t.type({ partition: t.number, seq: t.number, hash: t.string, at: t.number })

/** Lines and bytes of a part. Its number is its place in the list, from 1. */
const PartsCodec = t.array(t.tuple([t.number, t.number]))

const PartListsCodec = t.type({ output: t.record(t.string, PartsCodec), deleted: PartsCodec, error: PartsCodec })

const StateCodec = t.type({
  format: t.literal(format),
  id: t.string,
  /** SHA-256 of the request: the same id with another one is refused. */
  digest: t.string,
  state: t.union([
    t.literal('accepted'),
    t.literal('in-progress'),
    t.literal('complete'),
    t.literal('error'),
    t.literal('cancelled'),
  ]),
  /** Who may move the state counts it up first: whoever worked on it before is left behind. */
  epoch: t.number,
  actor: optional(t.string),
  note: optional(t.string),
  request: RequestCodec,
  /** Of the parts. They are the same however often a part is written, so they are kept with the request. */
  bounds: t.type({ partBytes: t.number, bufferBytes: t.number, checkpointBytes: t.number }),
  keepMs: t.number,
  createdAt: t.number,
  movedAt: t.number,
  endedAt: optional(t.number),
  /** The snapshot: everything up to this instant, and nothing later. */
  instant: t.number,
  /** The last commit of each log in it, which is for good once it is settled. */
  ends: t.array(LinkCodec),
  settled: t.boolean,
  /** The next commit to be read, of which of the logs. */
  place: t.type({ log: t.number, seq: t.number }),
  /** What was read so far, in bytes, and how much of it at the last checkpoint. */
  read: t.number,
  progress: t.type({ commits: t.number, total: optional(t.number), resources: t.number, bytes: t.number }),
  parts: PartListsCodec,
  /** Why it has failed. */
  error: optional(t.type({ tag: t.string, data: t.UnknownRecord })),
})

export type ExportRequest = t.TypeOf<typeof RequestCodec>
export type PartLists = t.TypeOf<typeof PartListsCodec>
export type StoredExport = t.TypeOf<typeof StateCodec>
export type LogEnd = t.TypeOf<typeof LinkCodec>
export type Bounds = StoredExport['bounds']

/** What the state becomes; `undefined`: it stays as it is. */
export type Change = (state: StoredExport) => StoredExport | undefined

/** Commits that are to be read; unknown where the log is read as far as something is new. */
export const totalOf = ({ since }: ExportRequest, ends: ReadonlyArray<LogEnd>): number | undefined =>
  since === undefined ? ends.reduce((sum, { seq }) => sum + seq, 0) : undefined

export const failureOf = ({ error }: StoredExport): AnnalsError | undefined =>
  error && annalsError(error.tag as ErrorTag, error.data as unknown as Failures[ErrorTag])

export interface Journal {
  read(job: string): Promise<StoredExport | undefined>
  /** Answers the state that then stands, whoever wrote it. */
  create(state: Omit<StoredExport, 'format'>): Promise<StoredExport>
  /** Answers the state that then stands, and whether it was moved by this call. `undefined`: there is none. */
  move(job: string, change: Change): Promise<{ readonly state: StoredExport; readonly moved: boolean } | undefined>
}

export function makeJournal(tenant: string, blobs: BlobStore): Journal {
  const documents = makeDocuments(blobs, StateCodec, format)
  const keyOf = (job: string): string => exportStateKey(tenant, job)
  return {
    read: (job) => documents.read(keyOf(job)),
    create: (state) => documents.create(keyOf(state.id), { format, ...state }),
    async move(job, change) {
      let moved = false
      const state = await documents.changeAny(keyOf(job), (current) => {
        const next = change(current)
        moved = next !== undefined
        return next
      })
      return state && { state, moved }
    },
  }
}
