/**
 * Starts the servers once for all suites that run against them. What the machine cannot start is left out, and one line
 * says what and why; with ANNALS_REQUIRE_SERVERS=1 that is a failure. With ANNALS_SERVERS=off none is started.
 *
 * Servers that run already are named by ANNALS_TEST_MINIO, ANNALS_TEST_DYNAMODB, ANNALS_TEST_MOTO and ANNALS_TEST_S3RVER.
 */
import type { TestProject } from 'vitest/node'
import { serverNames } from './catalog.js'
import { type Endpoints, type Servers, startServers } from './start.js'

declare module 'vitest' {
  interface ProvidedContext {
    readonly endpoints: Endpoints
  }
}

const say = (text: string): void => console.log(`servers: ${text}`)

/** How much of a reason is told, in characters. */
const reasonLength = 300

const none: Servers = { endpoints: {}, problems: ['ANNALS_SERVERS is off'], stop: async () => undefined }

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given: Endpoints = Object.fromEntries(
    serverNames.flatMap((name) => {
      const url = process.env[`ANNALS_TEST_${name.toUpperCase()}`]
      return url === undefined ? [] : [[name, url]]
    }),
  )
  const wanted = serverNames.filter((name) => given[name] === undefined)
  const servers = process.env.ANNALS_SERVERS === 'off' ? none : await startServers(wanted, say)
  if (servers.problems.length > 0) {
    if (process.env.ANNALS_REQUIRE_SERVERS === '1') {
      await servers.stop()
      throw new Error(`the servers of the tests are demanded, and cannot be had:\n${servers.problems.join('\n')}`)
    }
    const reasons = servers.problems.map((problem) => problem.replace(/\s+/g, ' ').slice(0, reasonLength))
    say(`some tests against real servers are skipped, because ${reasons.join('; ')}`)
  }
  project.provide('endpoints', { ...given, ...servers.endpoints })
  return servers.stop
}
