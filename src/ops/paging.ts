import type { Page, PageRequest } from '../ports/page.ts'
import type { Params } from './params.ts'
import type { Param } from './route.ts'

/** What a list that has pages takes. */
export const page = {
  after: { in: 'query', kind: 'number', says: 'the next of the page before; left out: from the beginning' },
  limit: { in: 'query', kind: 'count', max: 500, says: 'items of a page, at most 500; 100 unless told otherwise' },
} as const satisfies Record<string, Param>

/** The page that a request asks for: 100 items unless it says otherwise. */
export function pageOf(params: Params): PageRequest {
  return { after: params.number('after'), limit: Math.max(1, params.count('limit') ?? 100) }
}

/** A list as it is answered. */
export function pageAnswer<Item>(
  found: Page<Item>,
  view: (item: Item) => object,
): { items: object[]; next: bigint | null } {
  return { items: found.items.map(view), next: found.next }
}
