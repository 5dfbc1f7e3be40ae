/**
 * What a request was told at last is not always what became of it: an earlier try of the SDK's own may have been applied,
 * and its answer lost. This remembers of each error whether that may be so.
 */

interface Stack {
  readonly middlewareStack: { addRelativeTo(middleware: never, options: object): void }
}

type Next = (args: object) => Promise<object>

/** Requests of which a try has had no answer, and the errors that later tries of them ended in. */
const doubtful = new WeakSet<object>()

/** Whether a try before the one that failed with this error may have been applied. */
export const wasInDoubt = (error: unknown): boolean => doubtful.has(error as object)

/** Watches the tries of every request of the client. */
export function rememberDoubt(client: Stack): void {
  const middleware =
    (next: Next, request: object) =>
    async (args: object): Promise<object> => {
      try {
        return await next(args)
      } catch (error) {
        if (doubtful.has(request)) doubtful.add(error as object)
        if (!isRefusal(error)) doubtful.add(request)
        throw error
      }
    }
  const place = { relation: 'after', toMiddleware: 'retryMiddleware', name: 'annalsDoubt', override: true }
  client.middlewareStack.addRelativeTo(middleware as never, place)
}

/** The service has answered that it did nothing: throttled it, say, or found a condition not to hold. */
function isRefusal(error: unknown): boolean {
  const status = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode
  return status !== undefined && status >= 400 && status < 500
}
