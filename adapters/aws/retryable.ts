/** Answers that the SDK takes for final and that are not: it is told so, and repeats them with its own back-off and bounds. */

interface Stack {
  readonly middlewareStack: { addRelativeTo(middleware: never, options: object): void }
}

type Next = (args: object) => Promise<object>

/** Lets the client repeat a request that fails with an error of which `isPassing` holds. */
export function retryAlso(client: Stack, isPassing: (error: Error) => boolean): void {
  const middleware =
    (next: Next) =>
    async (args: object): Promise<object> => {
      try {
        return await next(args)
      } catch (error) {
        if (error instanceof Error && isPassing(error)) Object.assign(error, { $retryable: { throttling: false } })
        throw error
      }
    }
  const place = { relation: 'after', toMiddleware: 'retryMiddleware', name: 'annalsRetryable', override: true }
  client.middlewareStack.addRelativeTo(middleware as never, place)
}
