/** Takes steps through one door each, and holds every answer to what it has to be. */
import { type Heard, type Line, openLine, type WireAnswer } from '../wire.js'
import { problemOf } from './checks.js'
import { asksWho, type Door, type DoorName, tenants } from './doors.js'
import type { PlaceKind, Places } from './places.js'
import { kindOf } from './requests.js'
import { type Addressed, bytesOf, changed, isOut, type Step } from './steps.js'
import { actorOf, isBad } from './tokens.js'

export interface Summary {
  requests: number
  /** How many answers there were of each status. */
  readonly statuses: Map<number, number>
  /** How many requests there were of each kind, with each kind of token, and of each kind of request how many answers of each status. */
  readonly kinds: Map<string, number>
  readonly credentials: Map<string, number>
  readonly answers: Map<string, Map<number, number>>
  readonly problems: string[]
}

/** In all that a tenant's clients write, and nowhere else. */
export const markOf = (tenant: string): string => `mark-of-${tenant}`

const otherThan = (tenant: string): string =>
  tenants[(tenants.indexOf(tenant as 'north') + 1) % tenants.length] as string

const countIn = <A>(counts: Map<A, number>, key: A): unknown => counts.set(key, (counts.get(key) ?? 0) + 1)

export const foreignMarks = (tenant: string | undefined): string[] =>
  tenants.filter((name) => name !== tenant).map(markOf)

/** What all runs share. */
export interface Shared {
  readonly summary: Summary
  readonly places: Places
  /** Of the server that offers manifests. */
  readonly provider: string
}

export class Run {
  private line: Line
  private isFresh = true
  private readonly summary: Summary
  /** Of each tenant, the link to a next page that was heard of last. */
  private readonly next = new Map<string, string>()

  constructor(
    private readonly name: DoorName,
    private readonly door: Door,
    private readonly root: string,
    private readonly shared: Shared,
  ) {
    this.line = openLine(root)
    this.summary = shared.summary
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
        return step.isReset ? this.reset(step.request, part) : this.alone(step.request, part)
      }
      case 'followed':
        return this.followed(step.request, step.meanwhile, step.isReset)
    }
  }

  end(): void {
    this.line.destroy()
  }

  private bytesOf(request: Addressed, chunks?: { size: number; lie: number }): Buffer {
    const { places, provider } = this.shared
    const meanings = {
      mark: markOf(request.tenant),
      foreignMark: markOf(otherThan(request.tenant)),
      provider,
      next: this.next.get(request.asked) ?? `${this.door.baseOf(request.asked)}/_history`,
      placeOf: (target: string) => places.resolve(target, this.ownerOf(request)),
    }
    return bytesOf(request, this.door, meanings, chunks)
  }

  /** Jobs of this process are those of the server that was asked. Whoever has no good token tries what is another's. */
  private ownerOf({ tenant, credential }: Addressed): (kind: PlaceKind) => string {
    const actor = asksWho(this.name) ? actorOf(isBad(credential) ? 'good' : credential) : undefined
    return (kind) => JSON.stringify([tenant, actor, kind === 'verify' ? this.name : undefined])
  }

  /** On the connection that stays, unless an answer closes it. */
  private async exchange(requests: ReadonlyArray<Addressed>, bytes: Buffer): Promise<void> {
    for (const request of requests) this.count(request)
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
    this.count(request)
    const line = openLine(this.root)
    await line.write(bytes)
    line.end()
    const heard = await line.hear([request.method], true)
    line.destroy()
    if (heard.isStuck) this.problem(request, 'no end of it')
    if (heard.bytes.length === 0 && bytes.length > 0) this.problem(request, 'no answer')
    for (const answer of heard.answers) this.check(request, answer)
  }

  private async reset(request: Addressed, bytes: Buffer): Promise<void> {
    this.count(request)
    const line = openLine(this.root)
    await line.write(bytes)
    line.destroy()
  }

  private async followed(request: Addressed, meanwhile: ReadonlyArray<Addressed>, isReset: boolean): Promise<void> {
    this.count(request)
    const line = openLine(this.root)
    await line.write(this.bytesOf(request))
    for (const each of meanwhile) await this.exchange([each], this.bytesOf(each))
    if (!isReset) line.end()
    const { answers, bytes, isStuck } = await line.hear([], !isReset)
    line.destroy()
    if (isStuck) this.problem(request, 'no end of it')
    const leaked = foreignMarks(request.tenant).find((mark) => bytes.includes(mark))
    if (leaked !== undefined) this.problem(request, `it holds what is of another tenant: ${leaked}`)
    for (const answer of answers) this.check(request, answer)
  }

  private count(request: Addressed): void {
    const { kinds, credentials } = this.summary
    this.summary.requests++
    countIn(kinds, kindOf(request))
    if (asksWho(this.name)) countIn(credentials, request.credential)
  }

  private check(request: Addressed, answer: WireAnswer): void {
    const { statuses, answers } = this.summary
    const kind = kindOf(request)
    const ofKind = answers.get(kind) ?? new Map<number, number>()
    for (const counts of [statuses, ofKind]) countIn(counts, answer.status)
    answers.set(kind, ofKind)
    const isForeign = isOut(this.name, request)
    const problem = problemOf(answer, request.method === 'HEAD', foreignMarks(isForeign ? undefined : request.tenant))
    if (problem !== undefined) this.problem(request, `${problem}: ${answer.body.slice(0, 300)}`)
    if (isForeign && answer.status < 400 && !isPublic(request))
      this.problem(request, `what is not its tenant's is answered by ${answer.status}`)
    const next = /"relation":"next","url":"https?:\/\/[^/]*(\/[^"]*)"/.exec(answer.body)?.[1]
    if (next !== undefined) this.next.set(request.asked, next)
    if (!isForeign) this.shared.places.note(answer, this.ownerOf(request))
  }

  private problem(request: Addressed, what: string): void {
    const text = JSON.stringify({ door: this.name, ...request, body: request.body?.slice(0, 1_000) })
    this.summary.problems.push(`request ${this.summary.requests}: ${what}\n  ${text}`)
  }
}

/** Of the server, and not of a tenant. */
const isPublic = ({ target }: Addressed): boolean => /^metadata\b/.test(target)
