import type { Replays } from '../../ports/replays.ts'
import { decide, toDecided } from './decided.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Replays by the function of migration 0006. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresReplays(sql: Sql): Replays {
  return {
    async unapplied(subscription, feed, messages) {
      const [row] = await run<{ count: string }>(sql, {
        name: 'estafet-replay-unapplied',
        text: `SELECT count(*)::text AS count FROM unnest($3::text[], $4::text[], $5::bigint[]) AS c (source, epoch, position)
          WHERE EXISTS (SELECT FROM estafet.parked_message AS m WHERE m.subscription = $1 AND m.feed = $2
            AND m.source = c.source AND m.epoch = c.epoch AND m.position = c.position
            AND m.state IN ('waiting', 'retrying', 'dead'))
          OR EXISTS (SELECT FROM estafet.parked_message AS m WHERE m.subscription = $1 AND m.feed = $2
            AND m.source = c.source AND m.epoch = c.epoch AND m.position = c.position AND m.state = 'discarded')`,
        values: [
          ...[subscription, feed, messages.map(({ source }) => source), messages.map(({ epoch }) => epoch)],
          messages.map(({ position }) => position.toString()),
        ],
      })
      return Number(row?.count ?? 0)
    },

    async replay(subscription, wanted, { requestId, who, reason }) {
      const { feed, epoch, starts, reached, selection, count, expected } = wanted
      const row = await decide(sql, {
        name: 'estafet-replay',
        text: `SELECT r.outcome, r.count::text AS count, NULL AS number, NULL AS state
          FROM estafet.replay($1, $2, $3, $4::bigint[], $5::bigint[], $6::json, $7::bigint, $8::bigint, $9, $10, $11) AS r`,
        values: [
          ...[subscription, feed, epoch, starts.map(String), reached.map(String), selection, count, expected],
          ...[requestId, who, reason],
        ],
      })
      return toDecided(row)
    },
  }
}
