/** Server-sent events as a client reads them: what comes after which id. */

export interface ServerEvent {
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is
  readonly data: any
}

export interface EventStream {
  readonly response: Response
  /** Events and, as `undefined`, comments. It ends when the server ends it. */
  next(): Promise<{ readonly event?: ServerEvent } | undefined>
  /** The next event, whatever comments come before it. */
  event(): Promise<ServerEvent | undefined>
  leave(): void
}

/** `last`: the id after which to go on. */
export async function eventsOf(url: string, last?: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const leaving = new AbortController()
  const response = await fetch(url, {
    signal: leaving.signal,
    headers: {
      accept: 'text/event-stream',
      ...(last === undefined ? undefined : { 'last-event-id': last }),
      ...headers,
    },
  })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  const stream: EventStream = {
    response,
    async next() {
      while (!text.includes('\n\n')) {
        const { done, value } = await reader.read()
        if (done) return undefined
        text += decoder.decode(value, { stream: true })
      }
      const end = text.indexOf('\n\n')
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      const [, id, data] = /^id: (.*)\ndata: (.*)$/.exec(block) ?? []
      return id === undefined || data === undefined ? {} : { event: { id, data: JSON.parse(data) } }
    },
    async event() {
      for (;;) {
        const next = await stream.next()
        if (next === undefined || next.event !== undefined) return next?.event
      }
    },
    leave: () => leaving.abort(),
  }
  return stream
}
