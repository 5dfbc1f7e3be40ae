/** Takes steps through one door each, and holds every answer to what it has to be. */
import { type Heard, type Line, openLine, type WireAnswer } from '../wire.js'
import { problemOf } from './checks.js'
import { type Door, type DoorName, tenants } from './doors.js'
import { type Addressed, bytesOf, changed, isOut, type Step } from './steps.js'

export interface Summary {
  requests: number
  /** How many answers there were of each status. */
  readonly statuses: Map<number, number>
  readonly problems: string[]
}

/** In all that a tenant's clients write, and nowhere else. */
export const markOf = (tenant: string): string => `mark-of-${tenant}`

export const foreignMarks = (tenant: string | undefined): string[] =>
  tenants.filter((name) => name !== tenant).map(markOf)

export class Run {
  private line: Line
  private isFresh = true
  /** Of each tenant, the link to a next page that was heard of last. */
  private readonly next = new Map<string, string>()

  constructor(
    private readonly name: DoorName,
    private readonly door: Door,
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
        return this.alone(request, changed(this.bytesOf(request), this.door.baseOf(request.asked), changes))
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
    const next = this.next.get(request.asked) ?? `${this.door.baseOf(request.asked)}/_history`
    return bytesOf(request, this.door, { next, mark: markOf(request.tenant) }, chunks)
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
    const isForeign = isOut(this.name, request)
    const problem = problemOf(answer, request.method === 'HEAD', foreignMarks(isForeign ? undefined : request.tenant))
    if (problem !== undefined) this.problem(request, `${problem}: ${answer.body.slice(0, 300)}`)
    if (isForeign && answer.status < 400 && !isPublic(request))
      this.problem(request, `what is not its tenant's is answered by ${answer.status}`)
    const next = /"relation":"next","url":"https?:\/\/[^/]*(\/[^"]*)"/.exec(answer.body)?.[1]
    if (next !== undefined) this.next.set(request.asked, next)
  }

  private problem(request: Addressed, what: string): void {
    const text = JSON.stringify({ door: this.name, ...request, body: request.body?.slice(0, 1_000) })
    this.summary.problems.push(`request ${this.summary.requests}: ${what}\n  ${text}`)
  }
}

/** Of the server, and not of a tenant. */
const isPublic = ({ target }: Addressed): boolean => /^metadata\b/.test(target)
