import type { Item, ItemPage, ItemQuery, ItemScan, PointerStore } from '../../../domain/ports/index.js'
import { run } from '../../../domain/task.js'

export const item = (pk: string, sk: string, attributes: Item['attributes'] = {}): Item => ({ pk, sk, attributes })

export const skOf = (page: ItemPage): ReadonlyArray<string> => page.items.map((each) => each.sk)

/** Follows the tokens from the first page to the last. */
export async function allPages(
  pointers: PointerStore,
  ask: { readonly query: ItemQuery } | { readonly scan: ItemScan },
): Promise<ItemPage[]> {
  const pages: ItemPage[] = []
  for (let token: string | undefined; ; ) {
    const next = token === undefined ? {} : { token }
    const page = await run(
      'query' in ask ? pointers.query({ ...ask.query, ...next }) : pointers.scan({ ...ask.scan, ...next }),
    )
    pages.push(page)
    if (page.token === undefined) return pages
    token = page.token
  }
}
