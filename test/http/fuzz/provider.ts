/** A server of manifests and files, whose path begins with the mark of the tenant that they are for: good ones, and what is none. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** Stands in bodies for its URL. */
export const provider = 'PROVIDER'

type Answer = (response: ServerResponse, mark: string) => unknown

const lineOf = (mark: string, id: string, more: object = {}): string =>
  JSON.stringify({ resourceType: 'Patient', id, said: mark, ...more })

const send =
  (text: (mark: string) => string): Answer =>
  (response, mark) =>
    response.end(text(mark))

const manifestOf = (...urls: string[]): Answer =>
  send(() => JSON.stringify({ output: urls.map((url) => ({ type: 'Patient', url, count: 3 })) }))

/** By their paths behind the mark. What they name is beside them. */
const manifests: Readonly<Record<string, Answer>> = {
  'good.json': manifestOf('good.ndjson', 'more.ndjson'),
  'hostile.json': manifestOf('hostile.ndjson', 'none.ndjson', 'good.ndjson'),
  'cut.json': manifestOf('cut.ndjson', 'endless.ndjson', 'gzip.ndjson', 'lies.ndjson'),
  'deleted.json': send(() => JSON.stringify({ output: [], deleted: [{ type: 'Bundle', url: 'deleted.ndjson' }] })),
  'away.json': manifestOf('file:///etc/passwd', '../../good.ndjson', 'around.ndjson', 'http://127.0.0.1:1/x'),
  'moved.json': (response) => response.writeHead(302, { location: 'good.json' }).end(),
  'around.json': (response) => response.writeHead(302, { location: 'around.json' }).end(),
  'page.json': send(() => '<html>'),
  'list.json': send(() => '[]'),
  'null.json': send(() => '{"output":[null]}'),
  'endless.json': endless('{"output":['),
  'none.json': (response) => response.writeHead(404).end(),
  'broken.json': (response) => response.writeHead(500).end('{"output":[]}'),
  'silent.json': () => undefined,
}
export const offers = Object.keys(manifests) as [string, ...string[]]

const files: Readonly<Record<string, Answer>> = {
  ...manifests,
  'good.ndjson': send((mark) => ['a', 'bulk-1', 'bulk-2'].map((id) => `${lineOf(mark, id)}\n`).join('')),
  'more.ndjson': send((mark) => `${lineOf(mark, 'bulk-3', { number: 1 })}\r\n\n${lineOf(mark, 'b')}`),
  'hostile.ndjson': send((mark) =>
    [
      '{',
      'null',
      '\ufeff{}',
      lineOf(mark, '../../x'),
      lineOf(mark, ''),
      lineOf(mark, 'bulk-4', { resourceType: 'Nonsense' }),
      lineOf(mark, 'bulk-4', { resourceType: 'Group' }),
      `{"resourceType":"Patient","id":"bulk-4","id":"bulk-5"}`,
      `{"resourceType":"Patient","id":"bulk-4","a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
      lineOf(mark, 'bulk-6'),
    ].join('\n'),
  ),
  'cut.ndjson': (response, mark) => {
    response.writeHead(200, { 'content-length': 1_000 }).write(`${lineOf(mark, 'bulk-1')}\n{"resour`)
    setImmediate(() => response.destroy())
  },
  'endless.ndjson': endless('{"resourceType":"Patient","id":"bulk-7","a":"'),
  'gzip.ndjson': (response, mark) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(lineOf(mark, 'bulk-1')).subarray(0, 30)),
  'lies.ndjson': (response, mark) =>
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/html' }).end(lineOf(mark, 'bulk-1')),
  'deleted.ndjson': send(() =>
    ['Patient/a', 'Patient/never', '../x', 'Patient?identifier=s|1']
      .map((url) => ({ resourceType: 'Bundle', type: 'transaction', entry: [{ request: { method: 'DELETE', url } }] }))
      .map((bundle) => `${JSON.stringify(bundle)}\n`)
      .join(''),
  ),
  'around.ndjson': (response) => response.writeHead(302, { location: 'around.ndjson' }).end(),
}

/** Until the client has had enough. */
function endless(beginning: string): Answer {
  return (response) => {
    response.write(beginning)
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16 * 1024)));
      response.once('drain', more)
    }
    more()
  }
}

export interface Provider {
  readonly url: string
  close(): void
}

export async function startProvider(): Promise<Provider> {
  const server = createServer(({ url = '' }, response) => {
    const [, mark = '', name = ''] = url.split('/')
    const answer = files[name]
    if (answer === undefined) response.writeHead(404).end()
    else answer(response, mark)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
