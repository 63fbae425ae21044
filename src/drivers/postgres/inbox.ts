import { createHash } from 'node:crypto'
import type { Inbox } from '../../ports/inbox.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Ids of messages from others. `sql` is a pool whose role is a member of the database's `subscriber` role. */
export function postgresInbox(sql: Sql): Inbox<Sql> {
  return {
    async take(tx, subscription, ids) {
      const named = ids.map((sent) => ({ sent, digest: createHash('sha256').update(sent.id).digest('hex') }))
      const first = new Map<string, string>()
      for (const { sent, digest } of named) if (!first.has(digest)) first.set(digest, sent.place)
      const rows = await run<{ digest: string; place: string }>(tx, {
        name: 'estafet-inbox-take',
        // In one order for everybody, so that two who take the same ids do not wait for each other for ever. A row that is
        // there is updated, because only then it is returned: with the place where it was taken.
        text: `INSERT INTO estafet.inbox AS i (subscription, digest, place)
          SELECT $1, decode(d, 'hex'), p FROM unnest($2::text[], $3::text[]) AS t (d, p) ORDER BY d COLLATE "C"
          ON CONFLICT (subscription, digest) DO UPDATE SET taken_at = excluded.taken_at, place = i.place
          RETURNING encode(i.digest, 'hex') AS digest, i.place`,
        values: [subscription, [...first.keys()], [...first.values()]],
      })
      const places = new Map(rows.map(({ digest, place }) => [digest, place]))
      return named.filter(({ sent, digest }) => places.get(digest) === sent.place).map(({ sent }) => sent)
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
