import type {
  LaneState,
  ParkedKeyState,
  SubscriptionControl,
  SubscriptionState,
} from '../../ports/subscription-control.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** A subscription's lanes and parked keys. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresSubscriptionControl(sql: Sql): SubscriptionControl {
  return {
    async state(subscription) {
      const [lanes, [paused]] = await Promise.all([
        run<Omit<LaneState, 'cursor'> & { readonly cursor: string }>(sql, {
          name: 'estafet-control-lanes',
          text: `SELECT l.feed, l.epoch, l.lane, l.cursor::text AS cursor,
              CASE WHEN l.leased_until > clock_timestamp() THEN l.owner END AS owner
            FROM estafet.lane AS l WHERE l.subscription = $1 ORDER BY l.feed, l.epoch, l.lane`,
          values: [subscription],
        }),
        run<NonNullable<SubscriptionState['paused']>>(sql, {
          name: 'estafet-control-paused',
          text: `SELECT ${instant('p.paused_at')} AS at, p.paused_by AS by, p.reason
            FROM estafet.paused_subscription AS p WHERE p.subscription = $1`,
          values: [subscription],
        }),
      ])
      return { lanes: lanes.map((lane) => ({ ...lane, cursor: BigInt(lane.cursor) })), paused: paused ?? null }
    },

    async parkedKeys(subscription, page) {
      const rows = await run<ParkedKeyRow>(sql, {
        name: 'estafet-control-parked',
        text: parkedText,
        values: [subscription, ...pageValues(page)],
      })
      return pageOf(
        rows,
        page,
        ({ head }) => BigInt(head),
        (row): ParkedKeyState => ({ ...row, head: BigInt(row.head) }),
      )
    },

    async pause(subscription, isPaused, { who, reason }) {
      const [row] = await run<{ is_changed: boolean }>(sql, {
        name: 'estafet-control-pause',
        text: 'SELECT estafet.pause_subscription($1, $2::boolean, $3, $4) AS is_changed',
        values: [subscription, isPaused, who, reason],
      })
      return row?.is_changed ?? false
    },
  }
}

interface ParkedKeyRow extends Omit<ParkedKeyState, 'head'> {
  readonly head: string
}

const parkedText = `SELECT k.feed, k.key, k.lane, k.state, k.head::text AS head, k.tries, ${instant('k.next_at')} AS "nextAt",
    ${instant('k.parked_at')} AS "parkedAt", (SELECT count(*)::int FROM estafet.parked_message AS m
      WHERE m.subscription = k.subscription AND m.feed = k.feed AND m.key = k.key
        AND m.state IN ('waiting', 'retrying', 'dead')) AS messages
  FROM estafet.parked_key AS k WHERE k.subscription = $1 AND k.head > coalesce($2::bigint, 0)
  ORDER BY k.head LIMIT $3::int`
