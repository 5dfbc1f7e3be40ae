/** The names of a tenant's secrets, page by page. */
import { ListSecretsCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { annalsError } from '../../../domain/error.js'
import { compareUtf8 } from '../../utf8-order.js'
import { givenName, storedFolder } from './names.js'

const pageSize = 100

/** A tenant with more secrets than this many pages hold is refused a list, rather than given a part of it. */
const maxPages = 1_000

export async function listNames(client: SecretsManagerClient, prefix: string, tenant: string): Promise<string[]> {
  const folder = storedFolder(prefix, tenant)
  const names: string[] = []
  let NextToken: string | undefined
  for (let page = 1; page <= maxPages; page++) {
    const found = await client.send(
      new ListSecretsCommand({ Filters: [{ Key: 'name', Values: [folder] }], MaxResults: pageSize, NextToken }),
    )
    // Some servers match names in any case. What is deeper in the folder was not stored by Annals.
    for (const { Name = '' } of found.SecretList ?? [])
      if (Name.startsWith(folder) && !Name.includes('/', folder.length))
        names.push(givenName(Name.slice(folder.length)))
    NextToken = found.NextToken
    if (NextToken === undefined || NextToken === null) return names.sort(compareUtf8)
  }
  const limit = pageSize * maxPages
  throw annalsError('LimitExceeded', { what: `list of ${folder}`, limit, actual: names.length, unit: 'secrets' })
}
