/**
 * Starts the servers once for all suites that run against them. What the machine cannot start is left out, and one line
 * says what and why; with ANNALS_REQUIRE_SERVERS=1 that is a failure.
 *
 * Servers that run already are named by ANNALS_TEST_MINIO, ANNALS_TEST_DYNAMODB, ANNALS_TEST_MOTO and ANNALS_TEST_S3RVER.
 */
import type { TestProject } from 'vitest/node'
import { type ServerName, serverNames } from './catalog.js'
import { missingFor } from './obtain.js'
import { type Endpoints, startServers } from './start.js'

declare module 'vitest' {
  interface ProvidedContext {
    readonly endpoints: Endpoints
  }
}

const say = (text: string): void => console.log(`servers: ${text}`)

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = Object.fromEntries(
    serverNames.flatMap((name) => {
      const url = process.env[`ANNALS_TEST_${name.toUpperCase()}`]
      return url === undefined ? [] : [[name, url]]
    }),
  ) as Endpoints
  const { startable, problems } = plan(serverNames.filter((name) => given[name] === undefined))
  let servers: Awaited<ReturnType<typeof startServers>> | undefined
  try {
    servers = await startServers(startable, say)
  } catch (error) {
    problems.push((error as Error).message.split('\n').join(' '))
  }
  if (problems.length > 0) {
    if (process.env.ANNALS_REQUIRE_SERVERS === '1') {
      await servers?.stop()
      throw new Error(`the servers of the tests are demanded, and cannot be had: ${problems.join('; ')}`)
    }
    say(`tests against real servers are skipped, because ${problems.join('; ')}`)
  }
  project.provide('endpoints', { ...given, ...servers?.endpoints })
  return async () => servers?.stop()
}

function plan(wanted: ReadonlyArray<ServerName>): { startable: ServerName[]; problems: string[] } {
  if (process.env.ANNALS_TEST_SERVERS === 'off') return { startable: [], problems: ['ANNALS_TEST_SERVERS is off'] }
  const startable: ServerName[] = []
  const problems: string[] = []
  for (const name of wanted) {
    const missing = missingFor([name])
    if (missing.length === 0) startable.push(name)
    else problems.push(...missing)
  }
  return { startable, problems }
}
