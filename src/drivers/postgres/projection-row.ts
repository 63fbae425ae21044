import type { BuildRecord, BuildState } from '../../ports/projections.ts'
import { instant } from './instant.ts'

/** A build as the statement returns it; numbers of 64 bits as text. */
export interface BuildRow {
  readonly projection: string
  readonly version: number
  readonly build: number
  readonly state: BuildState
  readonly is_inline: boolean
  readonly tables: string[]
  readonly refused: string | null
  readonly is_paused: boolean
  readonly parked: string
  /** JSON text, so that a user's type parsers cannot change it. */
  readonly feeds: string
  readonly stops: string
}

interface FeedRow {
  readonly feed: string
  readonly isOwn: boolean
  readonly position: string
  readonly left: string | null
  readonly perSecond: number | null
}

interface StopRow {
  readonly feed: string
  readonly lane: number
  readonly position: string
  readonly messageId: string
  readonly type: string
  readonly errorName: string
  readonly errorMessage: string
  readonly tries: number
  readonly since: string
}

/** Builds of one projection, or of all. What is left of the own events is known here; of others, what a process told. */
export const buildsText = `SELECT b.projection, b.version, b.build, b.state, b.is_inline, b.tables, b.refused,
    EXISTS (SELECT FROM estafet.paused_subscription AS p WHERE p.subscription = n.subscription) AS is_paused,
    estafet.projection_parked(b, NULL)::text AS parked,
    coalesce((SELECT json_agg(json_build_object('feed', l.feed, 'isOwn', l.feed = b.events_feed, 'position', l.position::text,
      'left', CASE WHEN l.feed = b.events_feed
        THEN CASE WHEN estafet.projection_folded(b, h.head) THEN 0 ELSE greatest(h.head - l.position, 1) END
        ELSE l.behind END::text, 'perSecond', l.per_second) ORDER BY l.feed)::text
      FROM (SELECT k.feed, min(k.cursor) AS position, sum(greatest(r.ends[k.lane + 1] - k.cursor, 0)) AS behind,
          max(r.per_second) AS per_second
        FROM estafet.lane AS k LEFT JOIN estafet.projection_progress AS r
          ON r.projection = b.projection AND r.version = b.version AND r.build = b.build AND r.feed = k.feed
        WHERE k.subscription = n.subscription
          AND k.epoch = CASE WHEN k.feed = b.events_feed THEN h.epoch ELSE coalesce(r.epoch, k.epoch) END
        GROUP BY k.feed) AS l), '[]') AS feeds,
    coalesce((SELECT json_agg(json_build_object('feed', s.feed, 'lane', s.lane, 'position', s.position::text,
      'messageId', s.message_id, 'type', s.type, 'errorName', s.error_name, 'errorMessage', s.error_message,
      'tries', s.tries, 'since', ${instant('s.since')}) ORDER BY s.feed, s.lane)::text
      FROM estafet.projection_stop AS s WHERE s.projection = b.projection AND s.version = b.version AND s.build = b.build),
      '[]') AS stops
  FROM estafet.projection_build AS b
    CROSS JOIN LATERAL (SELECT estafet.projection_subscription(b.projection, b.version, b.build) AS subscription) AS n
    CROSS JOIN (SELECT e.epoch, (SELECT coalesce(max(m.position), 0) FROM estafet.event_messages AS m) AS head
      FROM estafet.event_head AS e) AS h
  WHERE $1::text IS NULL OR b.projection = $1::text ORDER BY b.projection, b.version, b.build`

export function toRecord(row: BuildRow): BuildRecord {
  const { is_inline, is_paused, parked, ...rest } = row
  const feeds: readonly FeedRow[] = JSON.parse(row.feeds)
  const stops: readonly StopRow[] = JSON.parse(row.stops)
  return {
    ...rest,
    ...{ isInline: is_inline, isPaused: is_paused, parkedMessages: Number(parked) },
    feeds: feeds.map((feed) => ({
      ...feed,
      position: BigInt(feed.position),
      left: feed.left === null ? null : BigInt(feed.left),
    })),
    stops: stops.map((stop) => ({ ...stop, position: BigInt(stop.position) })),
  }
}
