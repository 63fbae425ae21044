import { createHash } from 'node:crypto'
import type { Inbox } from '../../ports/inbox.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Ids of messages from others. `sql` is a pool whose role is a member of the database's `subscriber` role. */
export function postgresInbox(sql: Sql): Inbox<Sql> {
  return {
    async take(tx, subscription, ids) {
      const byDigest = new Map(ids.map((id) => [createHash('sha256').update(id).digest('hex'), id]))
      const rows = await run<{ digest: string }>(tx, {
        name: 'estafet-inbox-take',
        // In one order for everybody, so that two who take the same ids do not wait for each other for ever.
        text: `INSERT INTO estafet.inbox (subscription, digest)
          SELECT $1, decode(d, 'hex') FROM unnest($2::text[]) AS d ORDER BY d COLLATE "C"
          ON CONFLICT DO NOTHING RETURNING encode(digest, 'hex') AS digest`,
        values: [subscription, [...byDigest.keys()]],
      })
      return new Set(rows.map(({ digest }) => byDigest.get(digest) ?? ''))
    },

    async forget(subscription, days) {
      await run(sql, {
        name: 'estafet-inbox-forget',
        text: `DELETE FROM estafet.inbox WHERE subscription = $1 AND taken_at <= clock_timestamp() - $2::int * interval '1 day'`,
        values: [subscription, days],
      })
    },
  }
}
