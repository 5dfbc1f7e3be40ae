/**
 * The ports of one process: each call becomes a step that the scheduler takes when it likes, and the faults decide what
 * becomes of it.
 */
import { type Either, left } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AnnalsError } from '../../domain/error.js'
import type { BlobStore, ItemKey, PointerStore } from '../../domain/ports/index.js'
import { type PortCall, refused, unavailable } from './faults.js'
import type { World } from './world.js'

/** A request on its way to the storage. */
interface Request<A> {
  readonly call: PortCall
  readonly apply: () => Promise<Either<AnnalsError, A>>
  /** Applies a part of it, where it is not atomic. */
  readonly part?: () => void
}

export interface Caller {
  readonly name: string
  readonly alive: boolean
  /** Hears what the process hears. */
  heard(call: PortCall, answer: Either<AnnalsError, unknown>, sent?: Uint8Array): void
  /** Hears what its requests did to the storage. */
  done(call: PortCall, answer: Either<AnnalsError, unknown>): void
}

/** Requests still under way that nobody waits for any more belong to the network. */
export const lateOwners = { blobs: 'late blobs', pointers: 'late pointers' } as const

/** The request stays under way and is applied at some later moment, whole or in part. */
function delay<A>(world: World, { call, apply, part }: Request<A>): void {
  const { scheduler, faults, random } = world
  const run = (): void => {
    world.count('requests applied late')
    if (part !== undefined && random.chance(0.3)) part()
    else void apply()
  }
  // Nothing fences a delete: recovery takes it for granted that the deletes of an attempt that failed are over.
  if (call.operation === 'deleteByPrefix') {
    run()
    return
  }
  const readyAt = scheduler.now() + faults.delay('late') * 1000
  scheduler.add({ owner: lateOwners[call.port], name: nameOf(call), readyAt, run })
}

function send<A>(world: World, caller: Caller, request: Request<A>, sent?: Uint8Array): TaskEither<AnnalsError, A> {
  const { scheduler, faults } = world
  const { call, apply, part } = request
  return () =>
    new Promise((resolve) => {
      // A dead process does nothing more, and nobody answers it.
      if (!caller.alive) return
      const hear = (answer: Either<AnnalsError, A>): void => {
        world.note(`  ${nameOf(call)} = ${summary(answer)}`)
        caller.heard(call, answer, sent)
        resolve(answer)
      }
      const applied = async (): Promise<Either<AnnalsError, A>> => {
        const answer = await apply()
        caller.done(call, answer)
        return answer
      }
      const step = { owner: caller.name, name: nameOf(call), readyAt: scheduler.now() }
      scheduler.add({
        ...step,
        run: () => void perform(),
        ...(call.writes ? { orphan: () => delay(world, request) } : undefined),
      })

      async function perform(): Promise<void> {
        const fault = faults.draw(caller.name, call)
        if (fault !== 'none') {
          world.count(`fault: ${fault}`)
          world.note(`  ${fault}`)
        }
        switch (fault) {
          case 'none':
            return hear(await applied())
          case 'slow': {
            const answer = await applied()
            const readyAt = scheduler.now() + faults.delay('slow') * 1000
            return scheduler.add({ ...step, name: `${step.name} answers`, readyAt, run: () => hear(answer) })
          }
          case 'unavailable':
            return hear(left(unavailable(call)))
          case 'refused':
            return hear(left(refused(call)))
          case 'lost':
            await applied()
            return hear(left(unavailable(call)))
          case 'late':
            delay(world, request)
            return hear(left(unavailable(call)))
          case 'twice':
            await applied()
            return hear(await applied())
          case 'echo':
            delay(world, request)
            return hear(await applied())
          case 'partial':
            part?.()
            return hear(left(unavailable(call)))
          default:
            throw new TypeError(`unreachable: ${fault satisfies never}`)
        }
      }
    })
}

const keysOf = (items: ReadonlyArray<ItemKey>): string => items.map(({ pk, sk }) => `${pk} ${sk}`).join(', ')

const nameOf = ({ port, operation, key }: PortCall): string => `${port}.${operation} ${key}`

function summary(answer: Either<AnnalsError, unknown>): string {
  if (answer._tag === 'Left') return answer.left._tag
  const { right } = answer
  if (typeof right === 'string' || right === undefined) return String(right)
  return (right as { done?: boolean }).done === false ? 'not done' : 'ok'
}

export function simulatedBlobs(world: World, caller: Caller): BlobStore {
  const { blobs } = world
  const read = <A>(operation: string, key: string, step: TaskEither<AnnalsError, A>): TaskEither<AnnalsError, A> =>
    send(world, caller, { call: { port: 'blobs', operation, key, writes: false }, apply: step })
  const write = <A>(
    operation: string,
    key: string,
    step: TaskEither<AnnalsError, A>,
    sent?: Uint8Array,
  ): TaskEither<AnnalsError, A> =>
    send(world, caller, { call: { port: 'blobs', operation, key, writes: true }, apply: step }, sent)
  return {
    get: (key, range) => read('get', key, blobs.get(key, range)),
    head: (key) => read('head', key, blobs.head(key)),
    list: (prefix, options) => read('list', prefix, blobs.list(prefix, options)),
    createIfAbsent: (key, bytes) => write('createIfAbsent', key, blobs.createIfAbsent(key, bytes), bytes),
    replaceIfMatch: (key, bytes, etag) => write('replaceIfMatch', key, blobs.replaceIfMatch(key, bytes, etag)),
    put: (key, bytes) => write('put', key, blobs.put(key, bytes)),
    delete: (keys) => write('delete', keys.join(' '), blobs.delete(keys)),
  }
}

/** Every step asks for the pointer store of the moment at which it runs: it may be another one by then. */
export function simulatedPointers(world: World, caller: Caller): PointerStore {
  type Step<A> = (store: PointerStore) => TaskEither<AnnalsError, A>
  const request = <A>(operation: string, key: string, writes: boolean, step: Step<A>, part?: () => void) =>
    send(world, caller, {
      call: { port: 'pointers', operation, key, writes },
      apply: () => step(world.pointers)(),
      ...(part === undefined ? undefined : { part }),
    })
  const some = <A>(values: ReadonlyArray<A>): A[] => values.filter(() => world.random.chance(0.5))
  const deletePart = async (pkPrefixes: ReadonlyArray<string>): Promise<void> => {
    const page = await world.pointers.scan({ pkPrefixes, limit: 1_000_000 })()
    if (page._tag === 'Left') return
    for (const pk of some([...new Set(page.right.items.map((item) => item.pk))]))
      void world.pointers.deleteByPrefix([pk])()
  }
  return {
    get: (pk, sk) => request('get', `${pk} ${sk}`, false, (store) => store.get(pk, sk)),
    getAll: (keys) => request('getAll', keysOf(keys), false, (store) => store.getAll(keys)),
    query: (query) => request('query', query.pk, false, (store) => store.query(query)),
    scan: (query) => request('scan', query.pkPrefixes.join(' '), false, (store) => store.scan(query)),
    putAll: (items) =>
      request(
        'putAll',
        keysOf(items),
        true,
        (store) => store.putAll(items),
        () => void world.pointers.putAll(some(items))(),
      ),
    putNewer: (items) =>
      request(
        'putNewer',
        keysOf(items),
        true,
        (store) => store.putNewer(items),
        () => void world.pointers.putNewer(some(items))(),
      ),
    compareAndSet: (item, expected) =>
      request('compareAndSet', `${item.pk} ${item.sk}`, true, (store) => store.compareAndSet(item, expected)),
    advance: (item) => request('advance', `${item.pk} ${item.attributes.seq}`, true, (store) => store.advance(item)),
    transact: (changes) => request('transact', String(changes.length), true, (store) => store.transact(changes)),
    deleteByPrefix: (prefixes) =>
      request(
        'deleteByPrefix',
        prefixes.join(' '),
        true,
        (store) => store.deleteByPrefix(prefixes),
        () => void deletePart(prefixes),
      ),
  }
}
