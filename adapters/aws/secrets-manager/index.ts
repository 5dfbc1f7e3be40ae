/** Secrets on AWS, opened: the client, and who ends it. */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Secrets } from '../../../domain/ports/index.js'
import { type AwsConnection, clientOptions } from '../client.js'
import { type OnRequest, watchRequests } from '../requests.js'
import { secretsManagerSecrets } from './secrets.js'
import { type SecretsManagerSettings, secretsManagerSettings } from './settings.js'

export interface SecretsManagerWorld {
  /** A client of one's own, which is not destroyed on close. */
  readonly client?: SecretsManagerClient
  readonly credentials?: AwsConnection['credentials']
  /** Hears of every request of the client that is made here, retries included. */
  readonly onRequest?: OnRequest
}

/** Throws `InvalidInput` for a URL or options that make no sense; asks AWS nothing yet. */
export function openSecretsManager(url: string, options: SecretsManagerSettings, world: SecretsManagerWorld) {
  const { region, endpoint, ...settings } = secretsManagerSettings(url, options)
  const own = world.client === undefined ? makeClient({ region, endpoint, credentials: world.credentials }) : undefined
  if (own !== undefined && world.onRequest !== undefined) watchRequests(own, 'secretsmanager', world.onRequest)
  const secrets: Secrets = secretsManagerSecrets({ client: (world.client ?? own) as SecretsManagerClient, ...settings })
  return { secrets, close: () => own?.destroy() }
}

function makeClient({ region, endpoint, credentials }: AwsConnection): SecretsManagerClient {
  // A server of one's own has no regions, and the SDK insists on one.
  const needed = endpoint === undefined ? undefined : (process.env.AWS_REGION ?? 'us-east-1')
  return new SecretsManagerClient(clientOptions({ region: region ?? needed, endpoint, credentials }))
}
