/** Opens a place for secrets by its URL, which holds none itself. */
import { requestMetrics } from '../adapters/aws/metrics.js'
import { openSecretsManager, type SecretsManagerWorld } from '../adapters/aws/secrets-manager/index.js'
import type { SecretsManagerSettings } from '../adapters/aws/secrets-manager/settings.js'
import { embeddedSecrets } from '../adapters/embedded/secrets.js'
import { memorySecrets } from '../adapters/memory/index.js'
import { instruments } from '../adapters/telemetry/meter.js'
import { annalsError } from '../domain/error.js'
import type { Secrets as SecretsPort } from '../domain/ports/index.js'
import { run } from '../domain/task.js'
import { folderOf } from './folder-url.js'
import { type Promised, promised } from './promised.js'

export type { SecretName } from '../domain/ports/index.js'

/** Small values that nobody but the program may read. Every function throws an `AnnalsError`; `fp` has them as values. */
export interface Secrets extends Promised<SecretsPort> {
  readonly fp: SecretsPort
  close(): Promise<void>
}

export interface OpenSecretsOptions {
  /** For `file:` places: the key is derived from it instead of being kept in the folder. */
  readonly passphrase?: string
  /** For `aws:` places: what the URL and the environment do not say. */
  readonly aws?: SecretsManagerSettings & SecretsManagerWorld
}

/**
 * `file:./folder` is a folder of encrypted files, `aws:?region=eu-central-1&prefix=annals` is Secrets Manager, `memory:` is
 * gone with the process.
 */
export async function openSecrets(url: string, options: OpenSecretsOptions = {}): Promise<Secrets> {
  const { passphrase, aws: { client, credentials, onRequest, ...settings } = {} } = options
  if (passphrase !== undefined && !url.startsWith('file:')) refuse('only a folder, file:./folder, has a passphrase')
  if (url === 'memory:') return face(memorySecrets())
  if (url.startsWith('file:')) return face(await run(embeddedSecrets(folderOf(url), { passphrase })))
  if (/^aws:($|\?)/.test(url)) {
    const heard = instruments()
    const meter = heard && requestMetrics(heard)
    const tell: SecretsManagerWorld['onRequest'] = (request) => {
      meter?.(request)
      onRequest?.(request)
    }
    const opened = openSecretsManager(url, settings, { client, credentials, onRequest: tell })
    return face(opened.secrets, opened.close)
  }
  // Not the URL itself: who mistakes it for the place of a password would find that in a log.
  return refuse('this is no URL of a place for secrets; write file:./folder, aws:?region=name or memory:')
}

const face = (fp: SecretsPort, end: () => void = () => undefined): Secrets => ({
  ...promised(fp),
  fp,
  close: async () => end(),
})

function refuse(problem: string): never {
  throw annalsError('InvalidInput', { what: 'secrets', problem })
}
