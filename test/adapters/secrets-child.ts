/** What another process does with a folder of secrets. Started as `secrets-child.ts {command} {folder} …`. */
import { openSecrets } from '../../src/index.js'

const [command = '', folder = '', who = ''] = process.argv.slice(2)
const secrets = await openSecrets(`file:${folder}`)
const name = { tenant: 'acme', name: 'shared' }
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

switch (command) {
  case 'put':
    await secrets.put({ tenant: 'acme', name: who }, Buffer.from(who))
    say(who)
    break
  case 'replace':
    // Values of one letter each, of any length, until it is killed.
    for (let i = 0; ; i++) {
      await secrets.put(name, Buffer.alloc(1 + ((i * 7919) % 60_000), 97 + (i % 26)))
      say(i)
    }
}
