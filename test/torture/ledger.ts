/** What the supervisor was told: the requests that were begun, and what their writers heard. */
import type { Answer, Report } from './reports.js'
import type { Request } from './wish.js'

export interface Claim {
  readonly request: Request
  /** How often it was begun, and how often that ended with a conflict. */
  begun: number
  rejected: number
  /** Begun once, at a process that was told to end, and never answered: it has to be as if nobody had asked. */
  isTurnedAway?: boolean
  /** What was acknowledged. */
  answer?: Answer
}

export class Ledger {
  readonly claims = new Map<string, Claim>()
  /** What may never happen. */
  readonly wrong: string[] = []
  acknowledged = 0
  rejected = 0
  private waiting: Array<{ readonly count: number; readonly wake: () => void }> = []

  /** Resolves when so many were acknowledged. */
  until(count: number): Promise<void> {
    return new Promise((wake) => this.waiting.push({ count, wake }))
  }

  note(writer: string, report: Report): void {
    switch (report.kind) {
      case 'begun': {
        const { request } = report
        const claim = this.claims.get(request.key)
        if (claim === undefined) this.claims.set(request.key, { request, begun: 1, rejected: 0 })
        else claim.begun++
        break
      }
      case 'done':
        this.acknowledged++
        this.answered(writer, report.key, report.answer)
        for (const { wake } of this.waiting.filter(({ count }) => count <= this.acknowledged)) wake()
        this.waiting = this.waiting.filter(({ count }) => count > this.acknowledged)
        break
      case 'rejected':
        this.rejected++
        this.claim(report.key).rejected++
        break
      case 'wrong':
        this.wrong.push(`${writer}: ${report.problem}`)
        break
      case 'opening':
      case 'opened':
        break
    }
  }

  /** Begun and never answered: whoever asked was killed, and asks again. */
  unanswered(keys: Iterable<string>): Request[] {
    return [...keys].map((key) => this.claim(key).request)
  }

  turnAway(requests: Iterable<Request>): void {
    for (const { key } of requests) {
      const claim = this.claim(key)
      if (claim.begun === 1) claim.isTurnedAway = true
    }
  }

  private answered(writer: string, key: string, answer: Answer): void {
    const claim = this.claim(key)
    const earlier = claim.answer
    claim.answer = answer
    if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(answer) && wrote(earlier, answer))
      this.wrong.push(`${writer}: ${key} had two answers: ${JSON.stringify(earlier)} and ${JSON.stringify(answer)}`)
  }

  private claim(key: string): Claim {
    const claim = this.claims.get(key)
    if (claim === undefined) throw new Error(`${key} was answered and never begun`)
    return claim
  }
}

/** A request that writes nothing leaves no receipt, so that its repetition is decided anew. */
const wrote = (a: Answer, b: Answer): boolean => [a, b].every(({ results }) => results.some(({ changed }) => changed))
