/** Pages of histories and lists, one after the other by their links. */
import { expect } from 'vitest'
import type { Running } from './server.js'

export interface Page {
  readonly type: string
  readonly total?: number
  readonly link: ReadonlyArray<{ relation: string; url: string }>
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is
  readonly entry?: any[]
}

export const linkOf = (page: Page, relation: string): string | undefined =>
  page.link.find((link) => link.relation === relation)?.url

/** Every page from one on. `between`: what happens before each next one. */
export async function all(
  { ask, root }: Pick<Running, 'ask' | 'root'>,
  path: string,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Page[]> {
  const pages: Page[] = []
  let next: string | undefined = path
  while (next !== undefined) {
    const answer = await ask('GET', next)
    expect(answer.status, answer.text).toBe(200)
    pages.push(answer.body)
    next = linkOf(answer.body, 'next')?.slice(root.length)
    if (next !== undefined) await between()
  }
  return pages
}
