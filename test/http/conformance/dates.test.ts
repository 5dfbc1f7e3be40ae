/** Dates and instants in parameters: each stands for all the time that it does not tell apart. (FHIR R4, Search: date) */
import { describe, expect, test } from 'vitest'
import { formatInstant, parseCanonicalInstant } from '../../../domain/instant.js'
import { codesOf, running } from '../server.js'

describe('a date or an instant', async () => {
  const { ask } = await running()
  const instants: string[] = []
  for (const id of ['a', 'b', 'c'])
    instants.push(
      (await ask('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id } })).body.meta.lastUpdated as string,
    )
  const [first = '', second = '', third = ''] = instants
  const later = (text: string, micros: number): string =>
    formatInstant((parseCanonicalInstant(text) as number) + micros)
  const found = async (query: string): Promise<string> => {
    const answer = await ask('GET', `Patient?${query}`)
    expect(answer.status, answer.text).toBe(200)
    return (answer.body.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id).join('')
  }
  const history = async (query: string): Promise<string> => {
    const answer = await ask('GET', `Patient/_history?${query}`)
    expect(answer.status, answer.text).toBe(200)
    return (answer.body.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id).join('')
  }

  test('of microseconds tells versions apart to the microsecond', async () => {
    expect(await found(`_lastUpdated=${second}`)).toBe('b')
    expect(await found(`_lastUpdated=ne${second}`)).toBe('ac')
    expect(await found(`_lastUpdated=gt${second}`)).toBe('c')
    expect(await found(`_lastUpdated=ge${second}`)).toBe('bc')
    expect(await found(`_lastUpdated=lt${second}`)).toBe('a')
    expect(await found(`_lastUpdated=le${second}`)).toBe('ab')
    expect(await found(`_lastUpdated=sa${second}`)).toBe('c')
    expect(await found(`_lastUpdated=eb${second}`)).toBe('a')
    expect(await found(`_lastUpdated=gt${later(second, -1)}&_lastUpdated=lt${later(second, 1)}`)).toBe('b')
    expect(await found(`_lastUpdated=${first},${third}`)).toBe('ac')
    expect(await history(`_since=${second}`)).toBe('cb')
    expect(await history(`_since=${later(second, 1)}`)).toBe('c')
  })

  test('may be partial: a year, a month, a day, a minute, a second', async () => {
    for (const length of [4, 7, 10, 16, 19]) {
      const text = third.slice(0, length)
      expect(await found(`_lastUpdated=eq${text}`), text).toContain('c')
      expect(await found(`_lastUpdated=gt${text}`), text).toBe('')
      expect(await history(`_since=${text}`), text).toContain('c')
    }
    const next = String(Number(third.slice(0, 4)) + 1)
    expect(await found(`_lastUpdated=lt${next}`)).toBe('abc')
    expect(await history(`_since=${next}`)).toBe('')
  })

  test('may have an offset whose plus is not percent-encoded', async () => {
    const local = `${later(second, 2 * 3_600_000_000).replace('Z', '')}+02:00`
    for (const text of [local, encodeURIComponent(local)]) {
      expect(await found(`_lastUpdated=ge${text}`)).toBe('bc')
      expect(await history(`_since=${text}`)).toBe('cb')
      expect((await ask('GET', `Patient/b?_at=${text}`)).status).toBe(200)
      expect((await ask('GET', `Patient/c?_at=${text}`)).status).toBe(404)
    }
  })

  test.each([
    ['Patient?_lastUpdated=soon', '_lastUpdated', 'value'],
    ['Patient?_lastUpdated=xx2026', '_lastUpdated', 'value'],
    ['Patient?_lastUpdated=ap2026', '_lastUpdated', 'not-supported'],
    ['Patient?_lastUpdated=2026-02-30', '_lastUpdated', 'value'],
    ['Patient/_history?_since=2026-13', '_since', 'value'],
    ['Patient/_history?_since=', '_since', 'value'],
    ['Patient/a?_at=10:15', '_at', 'value'],
  ])('that is none is refused: %s', async (path, parameter, code) => {
    const answer = await ask('GET', path)
    expect([answer.status, ...codesOf(answer)]).toEqual([400, code])
    expect(answer.body.issue[0].location).toEqual([`http.${parameter}`])
  })
})
