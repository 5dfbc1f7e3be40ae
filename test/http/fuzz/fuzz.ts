/**
 * Sends generated requests to a server of several tenants, and holds every answer, and in the end the store, to what has to be
 * so whatever was asked. The same seed sends the same.
 */
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { fhirServer } from '../../../src/http/index.js'
import { openStore, type Store } from '../../../src/index.js'
import { seeded } from '../../torture/random.js'
import { type Heard, type Line, openLine, type WireAnswer } from '../wire.js'
import { problemOf } from './checks.js'
import { isTrick } from './requests.js'
import { type Addressed, baseOf, bytesOf, changed, type Step, steps } from './steps.js'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  readonly onProgress?: (summary: Summary) => void
}

export interface Summary {
  requests: number
  /** How many answers there were of each status. */
  readonly statuses: Map<number, number>
  readonly problems: string[]
}

const tenants = ['default', 'north', 'south']
const markOf = (tenant: string): string => `mark-of-${tenant}`
/** Small enough for generated bodies to be over it. */
const maxBodyBytes = 64 * 1024
const stepsAtOnce = 500
const maxProblems = 10
const progressEvery = 10_000

export async function fuzz({ requests, seed, onProgress }: FuzzOptions): Promise<Summary> {
  const random = seeded(seed)
  // Of the seed as well, so that links to next pages are the same again.
  const uuid = () =>
    `00000000-0000-7000-8000-${random
      .below(2 ** 47)
      .toString(16)
      .padStart(12, '0')}`
  const store = await openStore('memory:', { ids: { uuid, random: () => random.next() } })
  for (const tenant of tenants) await store.tenant(tenant)
  const app = await fhirServer(store, { tenancy: { from: 'path' }, maxBodyBytes })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const summary: Summary = { requests: 0, statuses: new Map(), problems: [] }
  const run = new Run(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, summary)
  try {
    for (let n = 0; summary.requests < requests && summary.problems.length < maxProblems; n++)
      for (const step of fc.sample(steps(tenants), { seed: seed + n, numRuns: stepsAtOnce })) {
        const before = summary.requests
        await run.take(step)
        if (Math.floor(before / progressEvery) < Math.floor(summary.requests / progressEvery)) onProgress?.(summary)
        if (summary.requests >= requests || summary.problems.length >= maxProblems) break
      }
    run.end()
    await checkStore(store, summary)
  } finally {
    await app.close()
    await store.close()
  }
  return summary
}

class Run {
  private line: Line
  private isFresh = true
  /** Of each tenant, the link to a next page that was heard of last. */
  private readonly next = new Map<string, string>()

  constructor(
    private readonly root: string,
    private readonly summary: Summary,
  ) {
    this.line = openLine(root)
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'whole':
        for (const request of step.requests) await this.exchange([request], this.bytesOf(request))
        return
      case 'pipelined':
        return this.exchange(step.requests, Buffer.concat(step.requests.map((request) => this.bytesOf(request))))
      case 'chunked':
        return this.alone(step.request, this.bytesOf(step.request, step))
      case 'broken': {
        const { request, changes } = step
        return this.alone(request, changed(this.bytesOf(request), request.tenant, changes))
      }
      case 'cut': {
        const bytes = this.bytesOf(step.request)
        const part = bytes.subarray(0, Math.floor(step.at * bytes.length))
        return step.isReset ? this.reset(part) : this.alone(step.request, part)
      }
    }
  }

  end(): void {
    this.line.destroy()
  }

  private bytesOf(request: Addressed, chunks?: { size: number; lie: number }): Buffer {
    const next = this.next.get(request.tenant) ?? `${baseOf(request.tenant)}/_history`
    return bytesOf(request, { next, mark: markOf(request.tenant) }, chunks)
  }

  /** On the connection that stays, unless an answer closes it. */
  private async exchange(requests: ReadonlyArray<Addressed>, bytes: Buffer): Promise<void> {
    this.summary.requests += requests.length
    const heard = await this.heard(requests, bytes)
    // A server may close a connection that it has answered on, and what was sent meanwhile goes out again.
    const { answers, isClosed, isStuck } =
      heard.answers.length === 0 && !this.isFresh ? await this.reopened().heard(requests, bytes) : heard
    this.isFresh = false
    for (const [i, answer] of answers.entries()) this.check(requests[i] as Addressed, answer)
    const unanswered = requests[answers.length]
    if (isStuck || answers.length === 0) this.problem(unanswered as Addressed, 'no answer')
    if (isClosed || isStuck || answers.at(-1)?.headers.connection === 'close') this.reopened()
  }

  private async heard(requests: ReadonlyArray<Addressed>, bytes: Buffer): Promise<Heard> {
    await this.line.write(bytes)
    return this.line.hear(requests.map(({ method }) => method))
  }

  private reopened(): this {
    this.line.destroy()
    this.line = openLine(this.root)
    this.isFresh = true
    return this
  }

  /** On a connection of its own, which this side closes. */
  private async alone(request: Addressed, bytes: Buffer): Promise<void> {
    this.summary.requests++
    const line = openLine(this.root)
    await line.write(bytes)
    line.end()
    const heard = await line.hear()
    line.destroy()
    if (heard.isStuck) this.problem(request, 'no end of it')
    // An answer to HEAD is none without the body that its headers speak of.
    if (heard.bytes.length === 0 && bytes.length > 0) this.problem(request, 'no answer')
    for (const answer of heard.answers) this.check(request, answer)
  }

  private async reset(bytes: Buffer): Promise<void> {
    this.summary.requests++
    const line = openLine(this.root)
    await line.write(bytes)
    line.destroy()
  }

  private check(request: Addressed, answer: WireAnswer): void {
    const { statuses } = this.summary
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    const isOut = isTrick(request)
    const foreign = tenants.filter((tenant) => isOut || tenant !== request.tenant).map(markOf)
    const problem = problemOf(answer, request.method === 'HEAD', foreign)
    if (problem !== undefined) this.problem(request, `${problem}: ${answer.body.slice(0, 300)}`)
    if (isOut && answer.status < 400) this.problem(request, `a path out of its place is answered by ${answer.status}`)
    const next = /"relation":"next","url":"https?:\/\/[^/]*(\/[^"]*)"/.exec(answer.body)?.[1]
    if (next !== undefined) this.next.set(request.tenant, next)
  }

  private problem({ tenant, method, target, headers, body }: Addressed, what: string): void {
    const text = JSON.stringify({ tenant, method, target, headers, body: body?.slice(0, 1_000) })
    this.summary.problems.push(`request ${this.summary.requests}: ${what}\n  ${text}`)
  }
}

/** Nothing of one tenant stands in another's log, and all that stands there holds together. */
async function checkStore(store: Store, { problems }: Summary): Promise<void> {
  for (const name of tenants) {
    const foreign = tenants.filter((tenant) => tenant !== name).map(markOf)
    for await (const { seq, transactions } of (await store.tenant(name)).commits())
      for (const { type, id, body } of transactions.flatMap(({ events }) => events)) {
        const text = `${id} ${Buffer.from(body ?? []).toString()}`
        const leaked = foreign.find((mark) => text.includes(mark))
        if (leaked !== undefined) problems.push(`commit ${seq} of ${name}: ${type}/${id} holds ${leaked}`)
      }
    const onDifference = ({ kind, key, problem }: { kind: string; key: string; problem: string }) =>
      problems.push(`${name}: ${kind} ${key}: ${problem}`)
    await store.verify(name, { onDifference })
  }
}
