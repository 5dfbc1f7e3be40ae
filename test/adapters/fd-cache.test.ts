import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { makeFdCache } from '../../adapters/embedded/fd-cache.js'

const makeCache = (capacity: number) => {
  const closed: number[] = []
  return { cache: makeFdCache<string>(capacity, (fd) => closed.push(fd)), closed }
}

describe('a cache of descriptors', () => {
  test('closes the one that was not used for longest', () => {
    const { cache, closed } = makeCache(2)
    for (const fd of [1, 2]) cache.release(cache.adopt(`f${fd}`, fd, ''))
    const first = cache.acquire('f1')
    assert.ok(first !== undefined)
    cache.release(first)
    cache.release(cache.adopt('f3', 3, ''))
    assert.deepEqual(closed, [2])
    assert.equal(cache.size, 2)
  })

  test('closes none that is in use, and closes it once when it no longer is', () => {
    const { cache, closed } = makeCache(1)
    const one = cache.adopt('f1', 1, '')
    const again = cache.acquire('f1')
    assert.equal(again, one)
    cache.release(cache.adopt('f2', 2, ''))
    assert.deepEqual(closed, [])
    cache.release(one)
    assert.deepEqual(closed, [])
    cache.release(one)
    assert.deepEqual(closed, [1])
    assert.equal(cache.acquire('f1'), undefined)
  })

  test('keeps the first of two descriptors of one name', () => {
    const { cache, closed } = makeCache(2)
    const one = cache.adopt('f', 1, 'one')
    const two = cache.adopt('f', 2, 'two')
    assert.equal(two, one)
    assert.deepEqual(closed, [2])
  })

  test('forgets a name at once, and its descriptor when it is free', () => {
    const { cache, closed } = makeCache(2)
    const one = cache.adopt('f', 1, '')
    cache.forget('f')
    assert.equal(cache.acquire('f'), undefined)
    cache.release(cache.adopt('f', 2, ''))
    assert.deepEqual(closed, [])
    cache.release(one)
    assert.deepEqual(closed, [1])
  })

  test('once closed keeps nothing', () => {
    const { cache, closed } = makeCache(2)
    const used = cache.adopt('f1', 1, '')
    cache.release(cache.adopt('f2', 2, ''))
    cache.close()
    assert.deepEqual(closed, [2])
    cache.release(used)
    cache.release(cache.adopt('f3', 3, ''))
    assert.deepEqual(closed, [2, 1, 3])
  })
})
