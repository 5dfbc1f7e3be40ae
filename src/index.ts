/** Annals: an event store for versioned resources on object storage. */
export type { Compensation, OnConflict } from '../domain/compensation.js'
export type { HistoryOrder } from '../domain/cursor.js'
export type { Expectation } from '../domain/decide.js'
export {
  type AnnalsError,
  type ErrorTag,
  type Failure,
  type Failures,
  isAnnalsError,
  type VersionConflict,
} from '../domain/error.js'
export type { EntryResponse } from '../domain/fhir/bundle/response.js'
export { type Issue, type Outcome, outcomeOf, statusOf } from '../domain/fhir/outcome.js'
export type { Permission } from '../domain/fhir/permission.js'
export type { FhirVersion } from '../domain/fhir/version.js'
export type { Method, Op } from '../domain/header.js'
export { formatPosition, type Position, parsePosition } from '../domain/position.js'
export type { Kind } from '../domain/resource.js'
export { type ObjectPart, objectParts } from '../projections/objects/keys.js'
export type * from './api.js'
export type * from './bulk/export/api.js'
export type { ExportingFp, ExportsFp } from './bulk/export/api.js'
export type { ExportWorkOptions, StoreExports } from './bulk/export/worker.js'
export type * from './bulk/submit/api.js'
export type { StoreSubmissions, SubmissionWorkOptions } from './bulk/submit/worker.js'
export type { BulkWorker, BulkWorkOptions } from './bulk/workers.js'
export type * from './bundle/api.js'
export type * from './copy/api.js'
export { commitJson, commitPieces, versionJson } from './json.js'
export { defaultLimits, type Limits } from './limits.js'
export { bootstrapStore, type OpenOptions, openStore } from './open.js'
export { type OpenSecretsOptions, openSecrets, type SecretName, type Secrets } from './open-secrets.js'
export type * from './project/api.js'
export { currentIndexProjection, type ObjectsOptions, objectsProjection } from './project/built-in.js'
export {
  type DefinedProjection,
  defineProjection,
  type ProjectionContext,
  type ProjectionDefinition,
  type ProjectionPage,
  type ProjectionScope,
} from './project/definition.js'
export type { Projections } from './project/projections.js'
export type { WaitOptions } from './project/when-projected.js'
export type { SubscribeOptions, SubscriptionMessage } from './read/subscription.js'
export type { Difference, DifferenceKind } from './recover/difference.js'
export { releaseVersion } from './release.js'
export type * from './revert/api.js'
export type * from './saga/api.js'
export type { Sagas } from './saga/sagas.js'
export type { Store, Tenant } from './store.js'
export type { TransactionResult, WriteResult } from './write/result.js'
