import type { Selection } from '../../ports/dead-letters.ts'
import type { Page, PageRequest } from '../../ports/page.ts'

/** A selection as `estafet.dead_letters` takes it. Equal selections are equal texts: a repeated request is known by it. */
export function selectionText(selection: Selection): string {
  const { numbers, fingerprint, type, key, handler, before } = selection
  return JSON.stringify({ numbers: numbers?.map(String), fingerprint, type, key, handler, before })
}

/** Reads one row more than a page has, to know whether there is another. */
export function pageOf<Row, Item extends object>(
  rows: readonly Row[],
  page: PageRequest,
  cursorOf: (row: Row) => bigint,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, page.limit)
  const last = shown.at(-1)
  return { items: shown.map(itemOf), next: rows.length > page.limit && last !== undefined ? cursorOf(last) : null }
}

/** The values of a page: where it begins, and one row more than it has. */
export function pageValues(page: PageRequest): readonly [string | null, number] {
  return [page.after?.toString() ?? null, page.limit + 1]
}
