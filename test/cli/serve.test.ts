/** `annals serve`: a process that serves FHIR until it is stopped, and loses nothing that it has answered. */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { atStore, ended, newStore, start } from './harness.js'

const patient = (id: string) => JSON.stringify({ resourceType: 'Patient', id })

const serving = (store: string, ...flags: string[]) =>
  listening(start(['serve', '--port', '0', '--store', store, '--json', ...flags]))

async function listening(child: ChildProcess) {
  const end = ended(child)
  let said = ''
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (text) => {
      said += text
      const line = /^\{.*\}$/m.exec(said)
      if (line !== null) resolve(line[0])
    })
    child.once('close', () => reject(new Error(`it ended: ${said}`)))
  })
  return { child, end, url: JSON.parse(line).url as string }
}

const put = (url: string, id: string): Promise<Response> =>
  fetch(`${url}/Patient/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/fhir+json' },
    body: patient(id),
  })

test.each(['SIGTERM', 'SIGINT'] as const)('ends at %s when what is under way is answered', async (signal) => {
  const store = newStore()
  const { child, end, url } = await serving(store)
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/fhir$/)
  expect((await put(url, 'first')).status).toBe(201)
  const under = Array.from({ length: 50 }, (_, n) => put(url, `p${n}`).catch(() => undefined))
  await under[0]
  child.kill(signal)
  const answered = (await Promise.all(under)).flatMap((answer, n) => (answer?.status === 201 ? [`p${n}`] : []))
  expect((await end).code).toBe(0)
  const annals = atStore(store)
  for (const id of ['first', ...answered]) expect((await annals(`get Patient/${id}`)).code).toBe(0)
  expect((await annals('verify')).code).toBe(0)
})

test('hears a Ctrl-C that comes twice under npm as one, and ends at once at another', async () => {
  const { child, end, url } = await serving(newStore())
  child.kill('SIGINT')
  child.kill('SIGINT')
  expect((await end).code, url).toBe(0)

  const other = await serving(newStore())
  // A request that never ends keeps it.
  const { hostname, port } = new URL(other.url)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  socket.write('POST /fhir/Patient HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
  await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0)
  // Seldom enough that none of them meets a process on its way out, which hears no signals any more.
  const again = setInterval(() => other.child.kill('SIGTERM'), 600)
  expect((await other.end).code).toBe(130)
  clearInterval(again)
})

test('npm start serves a checkout, and passes on SIGTERM', async () => {
  const env = { ...process.env, ANNALS_STORE: newStore() }
  const { child, end, url } = await listening(spawn('npm', ['start', '--', '--port', '0', '--json'], { env }))
  expect((await put(url, 'a')).status).toBe(201)
  child.kill('SIGTERM')
  expect((await end).code).toBe(0)
})

test('killed under load keeps every write that a client saw', async () => {
  const store = newStore()
  const { child, end, url } = await serving(store)
  const seen: string[] = []
  let next = 0
  const client = async (): Promise<void> => {
    for (;;) {
      const id = `p${next++}`
      const answer = await put(url, id).catch(() => undefined)
      if (answer === undefined) return
      if (answer.status === 201) seen.push(id)
      if (seen.length === 300) child.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  await end
  expect(seen.length).toBeGreaterThanOrEqual(300)
  const again = await serving(store)
  for (const id of seen) expect((await fetch(`${again.url}/Patient/${id}`)).status, id).toBe(200)
  again.child.kill('SIGTERM')
  await again.end
})

test('listens for its own machine, unless it is told twice', async () => {
  const annals = atStore(newStore())
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.org']) {
    const refused = await annals(`serve --host ${host} --port 0`)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--insecure') })
  }
  expect((await annals('serve --base-url ftp://x --port 0')).code).toBe(2)
  expect((await annals('serve --port 70000')).code).toBe(2)
  await annals('put Note/a - --kind json --tenant notes', { stdin: '{}' })
  expect(await annals('serve --tenant notes --port 0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('kind'),
  })
})

test('serves the FHIR version of its tenant, which is said when the tenant is made', async () => {
  const store = newStore()
  const first = await serving(store, '--fhir-version', '5.0')
  expect(await (await fetch(`${first.url}/metadata`)).json()).toMatchObject({ fhirVersion: '5.0.0' })
  first.child.kill('SIGTERM')
  await first.end
  const again = await serving(store)
  expect(await (await fetch(`${again.url}/metadata`)).json()).toMatchObject({ fhirVersion: '5.0.0' })
  again.child.kill('SIGTERM')
  await again.end
  const annals = atStore(store)
  const mismatch = { code: 2, stderr: expect.stringContaining('FHIR version') }
  expect(await annals('serve --fhir-version 4.0 --port 0')).toMatchObject(mismatch)
  expect(await annals('put Transport/a - --fhir-version 4.3', { stdin: '{"resourceType":"Transport"}' })).toMatchObject(
    mismatch,
  )
  expect((await annals('put Transport/a - --fhir-version 5.0', { stdin: '{"resourceType":"Transport"}' })).code).toBe(0)
  const loaded = await annals('load - --tenant other --fhir-version 4.3', { stdin: '{"resourceType":"Ingredient"}' })
  expect(loaded.code).toBe(0)
  expect(await annals('serve --tenant other --fhir-version 5.0 --port 0')).toMatchObject(mismatch)
  expect((await annals('load - --fhir-version 6.0', { stdin: '' })).code).toBe(2)
})
