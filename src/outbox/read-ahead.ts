import type { Feed, Fetched } from '../ports/feed.ts'

interface Page {
  readonly after: bigint
  readonly limit: number
  readonly fetched: Promise<Fetched>
}

/**
 * A feed that fetches the next page of a lane while the last one is worked on. What a feed hands out never changes, so what was read
 * early is what would be read later; but where it ended then is not where it ends now, and of that nobody is told twice: behind the
 * last page that was read early there may be more. A page that failed, or that nobody asks for, is forgotten.
 */
export function readAhead(feed: Feed): Feed {
  const pages = new Map<number, Page>()
  return {
    name: feed.name,
    open: () => feed.open(),
    ends: () => feed.ends(),
    advance: () => feed.advance(),
    async fetch(lane, after, limit) {
      const page = pages.get(lane)
      pages.delete(lane)
      const isWanted = page !== undefined && page.after === after && page.limit === limit
      const early = isWanted ? await page.fetched : null
      if (early !== null && !early.hasMore && early.deliveries.length > 0) return { ...early, hasMore: true }
      const fetched = early?.hasMore === true ? early : await feed.fetch(lane, after, limit)
      if (fetched.hasMore) {
        const next = { after: fetched.cursor, limit, fetched: feed.fetch(lane, fetched.cursor, limit) }
        // Told to whoever asks for it, if anybody does.
        next.fetched.catch(() => {})
        pages.set(lane, next)
      }
      return fetched
    },
  }
}
