import type { SemanticLocks } from '../../ports/semantic-locks.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** The semantic locks of a service, in its own database. */
export function postgresSemanticLocks(): SemanticLocks<Sql> {
  return {
    async take(tx, resource, owner) {
      const [row] = await run<{ holder: string; since: string }>(tx, {
        name: 'estafet-semantic-lock-take',
        text: `SELECT l.holder, ${instant('l.since')} AS since FROM estafet.take_semantic_lock($1, $2) AS l`,
        values: [resource, owner],
      })
      return row === undefined || row.holder === owner
        ? { kind: 'taken' }
        : { kind: 'held', owner: row.holder, since: row.since }
    },

    async release(tx, owner) {
      const rows = await run<{ resource: string }>(tx, {
        name: 'estafet-semantic-lock-release',
        text: `WITH freed AS (DELETE FROM estafet.semantic_lock WHERE owner = $1 RETURNING resource)
          SELECT freed.resource FROM freed ORDER BY freed.resource COLLATE "C"`,
        values: [owner],
      })
      return rows.map(({ resource }) => resource)
    },
  }
}
