/** Those who read the log: a bounded number, each until it has what it wants, has gone, or the server ends. */
import type { ServerResponse } from 'node:http'
import type { Context } from '../context.js'
import { HttpProblem } from '../failures.js'

export interface Readers {
  /**
   * Counts a reader until its answer is over. Answers what aborts when it is, or throws where there are too many. `isEndless`: it ends
   * also where the client has closed its side of the connection. Others may do so and wait for an end, which there is none of.
   */
  enter(answer: ServerResponse, isEndless: boolean): AbortSignal
}

export function makeReaders({ settings, ending }: Pick<Context, 'settings' | 'ending'>): Readers {
  const gone = new Set<AbortController>()
  ending.addEventListener('abort', () => {
    for (const each of gone) each.abort()
  })
  return {
    enter(answer, isEndless) {
      if (gone.size >= settings.maxLogReaders)
        throw new HttpProblem(503, 'throttled', 'too many read the log; ask again later', {}, {})
      const own = new AbortController()
      const leave = (): void => own.abort()
      const { socket } = answer
      gone.add(own)
      if (isEndless) socket?.once('end', leave)
      answer.once('close', () => {
        gone.delete(own)
        socket?.off('end', leave)
        leave()
      })
      if (ending.aborted || answer.destroyed || (isEndless && socket?.readableEnded === true)) own.abort()
      return own.signal
    },
  }
}
