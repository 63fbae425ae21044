import { EstafetError } from '../../message/errors.ts'
import type { InlineBuilds, ProjectionSnapshots, TableDifference } from '../../ports/projections.ts'
import { explained } from './projections.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Read models in the transactions of the appends, in the tables of migration 0009. */
export function postgresInlineBuilds(): InlineBuilds<Sql> {
  return {
    async serving(tx) {
      const rows = await run<{ projection: string; version: number; build: number; isolation: string }>(tx, {
        name: 'estafet-projection-inline',
        text: `SELECT b.projection, b.version, b.build, current_setting('transaction_isolation') AS isolation
          FROM estafet.projection_build AS b WHERE b.state = 'serving' AND b.is_inline`,
        values: [],
      })
      // With an older snapshot it would not see that another version was installed meanwhile.
      if (rows.some(({ isolation }) => isolation !== 'read committed')) {
        throw new EstafetError('UNSUPPORTED', 'Appends with inline read models need a READ COMMITTED transaction.')
      }
      return rows
    },

    async install(tx, plan, fill) {
      const [row] = await run<{ serving: number | null; is_other: boolean; head: string }>(tx, {
        name: 'estafet-projection-install',
        text: 'SELECT i.serving, i.is_other, i.head::text AS head FROM estafet.install_projection($1, $2::int) AS i',
        values: [plan.projection, plan.version],
      })
      const serving = row?.serving ?? 0
      if (row?.is_other === true || serving > plan.version) {
        const why = serving > plan.version ? `version ${serving} serves` : 'it was built beside the appends'
        throw new EstafetError(
          'MISCONFIGURED',
          `Version ${plan.version} of ${plan.projection} cannot be installed: ${why}.`,
        )
      }
      if (serving === plan.version) return false
      await fill(BigInt(row?.head ?? 0))
      await explained(
        run(tx, {
          name: 'estafet-projection-installed',
          text: 'SELECT estafet.installed_projection($1, $2::int, $3::text[], $4::text[])',
          values: [plan.projection, plan.version, plan.tables, plan.streams],
        }),
      )
      return true
    },
  }
}

/** Builds at one moment: a transaction with one snapshot sees rows and cursors that were committed together. */
export function postgresProjectionSnapshots(): ProjectionSnapshots<Sql> {
  return {
    async take(tx, projection, version) {
      await run(tx, {
        name: 'estafet-projection-moment',
        text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
        values: [],
      })
      const [row] = await run<{ build: number; cursors: string[]; parked: string }>(tx, {
        name: 'estafet-projection-snapshot',
        text: `SELECT b.build, estafet.projection_parked(b, NULL)::text AS parked,
            CASE WHEN b.is_inline THEN ARRAY(SELECT max(m.position)::text FROM estafet.event_messages AS m)
              ELSE ARRAY(SELECT l.cursor::text FROM estafet.lane AS l
                WHERE l.subscription = estafet.projection_subscription(b.projection, b.version, b.build)
                  AND l.feed = b.events_feed AND l.epoch = (SELECT e.epoch FROM estafet.event_head AS e)
                ORDER BY l.lane) END AS cursors
          FROM estafet.projection_build AS b
          WHERE b.projection = $1 AND b.version = $2::int AND b.state <> 'wanted' ORDER BY b.build DESC LIMIT 1`,
        values: [projection, version],
      })
      if (row === undefined) return null
      const cursors = row.cursors.map((cursor) => BigInt(cursor ?? 0))
      return { version, build: row.build, cursors, parkedMessages: Number(row.parked) }
    },

    async compare(tx, tables, suffix, other) {
      const differences: TableDifference[] = []
      for (const table of tables)
        differences.push(await difference(tx, table, `${table}_${suffix}`, `${table}_${other}`))
      return differences
    },
  }
}

/** Rows as text, because some types cannot be compared. Names of tables are checked where a projection is defined. */
async function difference(tx: Sql, table: string, built: string, again: string): Promise<TableDifference> {
  const rowsOf = (name: string): string => `SELECT t::text FROM "${name}" AS t`
  const less = (one: string, two: string): string =>
    `(SELECT count(*)::int FROM (${rowsOf(one)} EXCEPT ALL ${rowsOf(two)}) AS d)`
  const { rows } = await tx.query<Omit<TableDifference, 'table'>>(
    `SELECT (SELECT count(*)::int FROM "${built}") AS rows, ${less(again, built)} AS missing, ${less(built, again)} AS unexpected`,
  )
  return { table, rows: 0, missing: 0, unexpected: 0, ...rows[0] }
}
