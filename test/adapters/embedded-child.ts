/** What another process does with an embedded store. Started by the tests as `embedded-child.ts {command} {folder} …`. */
import { createHash, randomBytes } from 'node:crypto'
import { openEmbedded } from '../../adapters/embedded/index.js'
import { run } from '../../domain/task.js'

const [command = '', folder = '', ...rest] = process.argv.slice(2)
const store = await run(openEmbedded(folder, { create: true }))
await run(store.blobs.createIfAbsent('annals.json', Buffer.from('{}')))
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

switch (command) {
  case 'create': {
    // Says which of the keys this process created.
    const won: number[] = []
    for (let i = 0; i < Number(rest[0]); i++) {
      const created = await run(store.blobs.createIfAbsent(`t/log/0/${i}`, Buffer.from(`${process.pid} `.repeat(200))))
      if (created === 'created') won.push(i)
    }
    say({ pid: process.pid, won })
    break
  }
  case 'count': {
    // Raises a counter by an object's etag, one by an item's rev, and a head.
    for (let done = 0; done < Number(rest[0]); ) {
      const current = await run(store.blobs.get('t/counter'))
      const next = Buffer.from(String(Number(Buffer.from(current?.bytes ?? [])) + 1))
      if ((await run(store.blobs.replaceIfMatch('t/counter', next, current?.etag ?? ''))) === 'replaced') done++
    }
    for (let done = 0; done < Number(rest[0]); ) {
      const current = await run(store.pointers.get('C#t', 'n'))
      const item = { pk: 'C#t', sk: 'n', attributes: { n: Number(current?.attributes.n ?? 0) + 1 } }
      if ((await run(store.pointers.compareAndSet(item, current?.rev ?? 0))).done) done++
      await run(store.pointers.advance({ pk: 'H#t#0', sk: 'head', attributes: { seq: item.attributes.n } }))
    }
    break
  }
  case 'reopen':
    await store.close()
    for (let i = 0; i < Number(rest[0]); i++) await (await run(openEmbedded(folder))).close()
    break
  case 'put':
    await run(store.pointers.putAll([{ pk: 'C#t', sk: 'said', attributes: { by: rest[0] ?? '' } }]))
    break
  case 'crash': {
    // Creates and replaces objects that name their own hash, until it is killed.
    await run(store.pointers.putAll([{ pk: 'C#t', sk: 'said', attributes: { by: 'the one that crashed' } }]))
    for (let i = 0; ; i++) {
      const body = randomBytes(i % 5 === 0 ? 900_000 : 3_000)
      const hash = createHash('sha256').update(body).digest('hex')
      const bytes = Buffer.concat([Buffer.from(hash), body])
      await Promise.all([
        run(store.blobs.createIfAbsent(`t/log/0/${String(i).padStart(6, '0')}`, bytes)),
        run(store.blobs.put(`t/state-${i % 3}`, bytes)),
      ])
      say(i)
    }
  }
  case 'ring':
    for (let seq = 0; seq < 100; seq++) {
      store.doorbell.ring('t/0', seq)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    break
  case 'listen':
    // Ends by itself: a listener does not keep a process alive.
    store.doorbell.listen().subscribe()
    break
}

if (command !== 'listen') await store.close()
