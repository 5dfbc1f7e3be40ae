/** The same store for callers who want every failure as a value: each function is a `TaskEither`. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../domain/error.js'
import { attempt } from '../domain/task.js'
import type { BootstrapReport } from './api.js'
import { bootstrapStore as bootstrap, type OpenOptions, openStore as open } from './open.js'
import { type OpenSecretsOptions, openSecrets as openSecretsAt, type Secrets } from './open-secrets.js'
import type { Store } from './store.js'

export * from './index.js'

export const openStore = (url: string, options?: OpenOptions): TaskEither<AnnalsError, Store> =>
  attempt(() => open(url, options))

export const bootstrapStore = (url: string, options?: OpenOptions): TaskEither<AnnalsError, BootstrapReport> =>
  attempt(() => bootstrap(url, options))

export const openSecrets = (url: string, options?: OpenSecretsOptions): TaskEither<AnnalsError, Secrets> =>
  attempt(() => openSecretsAt(url, options))
