/** The second face of a subscription: an Observable over the messages that are pulled. */
import { Observable, type Subscriber } from 'rxjs'
import { childOf } from '../../projections/stopping.js'
import type { SubscribeOptions, SubscriptionMessage } from './subscription.js'

type Subscribe = (options: SubscribeOptions) => AsyncIterable<SubscriptionMessage>

/** Each subscriber has a subscription of its own, which ends when it unsubscribes. */
export const observe = (subscribe: Subscribe, options: SubscribeOptions = {}): Observable<SubscriptionMessage> =>
  new Observable((subscriber) => {
    const { signal, release } = childOf(options.signal ?? new AbortController().signal)
    void deliver(subscribe({ ...options, signal }), subscriber)
    return release
  })

/** One message after the other: the next one is pulled when `next` has returned. */
async function deliver<A>(messages: AsyncIterable<A>, subscriber: Subscriber<A>): Promise<void> {
  try {
    for await (const message of messages) subscriber.next(message)
    subscriber.complete()
  } catch (error) {
    subscriber.error(error)
  }
}
