import type { Page, PageRequest } from '../ports/page.ts'
import type { Params } from './params.ts'

/** The page that a request asks for: 100 items unless it says otherwise. */
export function pageOf(params: Params): PageRequest {
  return { after: params.number('after'), limit: Math.max(1, params.count('limit') ?? 100) }
}

/** A list as it is answered. */
export function pageAnswer<Item>(
  page: Page<Item>,
  view: (item: Item) => object,
): { items: object[]; next: bigint | null } {
  return { items: page.items.map(view), next: page.next }
}
