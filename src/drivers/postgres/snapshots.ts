import type { Snapshots } from '../../ports/snapshots.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Snapshots in the service's own database. `sql` is a pool whose role is a member of the `publisher` role. */
export function postgresSnapshots(sql: Sql): Snapshots {
  return {
    async find({ type, id }, fold) {
      const [row] = await run<{ version: number; state: string; checksum: string }>(sql, {
        name: 'estafet-snapshot-find',
        text: `SELECT s.stream_version AS version, s.state, s.checksum FROM estafet.snapshot AS s
          WHERE s.stream_type = $1 AND s.stream_id = $2 AND s.fold = $3`,
        values: [type, id, fold],
      })
      return row === undefined ? null : { fold, ...row }
    },

    async save({ type, id }, { fold, version, state, checksum }) {
      await run(sql, {
        name: 'estafet-snapshot-save',
        // Those of other folds go once they are older: they belong to a program that is gone, or will make its own again.
        text: `WITH gone AS (
            DELETE FROM estafet.snapshot AS s WHERE s.stream_type = $1 AND s.stream_id = $2 AND s.fold <> $3
              AND s.stream_version < $4::int
          )
          INSERT INTO estafet.snapshot AS s (stream_type, stream_id, fold, stream_version, state, checksum)
          VALUES ($1, $2, $3, $4::int, $5, $6)
          ON CONFLICT (stream_type, stream_id, fold) DO UPDATE SET stream_version = excluded.stream_version,
            state = excluded.state, checksum = excluded.checksum, taken_at = clock_timestamp()
          WHERE s.stream_version < excluded.stream_version`,
        values: [type, id, fold, version, state, checksum],
      })
    },

    async drop({ type, id }, fold) {
      await run(sql, {
        name: 'estafet-snapshot-drop',
        text: 'DELETE FROM estafet.snapshot AS s WHERE s.stream_type = $1 AND s.stream_id = $2 AND s.fold = $3',
        values: [type, id, fold],
      })
    },
  }
}
