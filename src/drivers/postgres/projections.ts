import { EstafetError } from '../../message/errors.ts'
import type {
  BuildPlan,
  ProjectionBuilds,
  ProjectionControl,
  ProjectionPositions,
  ProjectionReports,
  PromotionOutcome,
} from '../../ports/projections.ts'
import { type BuildRow, buildsText, toRecord } from './projection-row.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** What projections keep in the tables of migration 0009. */
export interface PostgresProjectionStore
  extends ProjectionBuilds<Sql>,
    ProjectionReports,
    ProjectionControl,
    ProjectionPositions {}

/** `sql` is a pool whose role is a member of the `subscriber` role and may create tables in its schema. */
export function postgresProjections(sql: Sql): PostgresProjectionStore {
  return {
    async announce(plan) {
      // A program that is started anew may have another check.
      await run(sql, {
        name: 'estafet-projection-ask-again',
        text: `UPDATE estafet.projection_build AS b SET refused = NULL
          WHERE b.projection = $1 AND b.version = $2::int AND b.refused IS NOT NULL`,
        values: [plan.projection, plan.version],
      })
      await run(sql, {
        name: 'estafet-projection-announce',
        text: `INSERT INTO estafet.projection_build (projection, version, build, state, tables, lanes, streams, events_feed)
          SELECT $1::text, $2::int, 1, 'wanted', $3::text[], $4::smallint, $5::text[], $6::text
          WHERE NOT EXISTS (SELECT FROM estafet.projection_build b WHERE b.projection = $1::text AND b.version = $2::int)
          ON CONFLICT DO NOTHING`,
        values: [plan.projection, plan.version, plan.tables, plan.lanes, plan.streams, plan.eventsFeed],
      })
      const rows = await run<PlanRow>(sql, {
        name: 'estafet-projection-planned',
        text: `SELECT b.tables, b.lanes, b.streams, b.events_feed AS "eventsFeed", b.is_inline AS "isInline"
          FROM estafet.projection_build AS b WHERE b.projection = $1 AND b.version = $2::int`,
        values: [plan.projection, plan.version],
      })
      for (const row of rows) refuseOther(plan, row)
    },

    async of(projection) {
      const rows = await run<BuildRow>(sql, { name: 'estafet-projection-of', text: buildsText, values: [projection] })
      return rows.map(toRecord)
    },

    async begin(tx, projection, { version, build }, setUp) {
      const rows = await run<{ is_wanted: boolean }>(tx, {
        name: 'estafet-projection-claim',
        text: `SELECT b.state = 'wanted' AND b.version = $2::int AND b.build = $3::int AS is_wanted
          FROM estafet.projection_build AS b WHERE b.projection = $1 ORDER BY b.version, b.build FOR UPDATE`,
        values: [projection, version, build],
      })
      if (!rows.some((row) => row.is_wanted)) return false
      await setUp()
      await explained(
        run(tx, {
          name: 'estafet-projection-begin',
          text: 'SELECT estafet.begin_projection($1, $2::int, $3::int)',
          values: [projection, version, build],
        }),
      )
      return true
    },

    async promote(tx, projection, { version, build }, { force, who, reason }) {
      const [row] = await explained(
        run<{ outcome: PromotionOutcome }>(tx, {
          name: 'estafet-projection-promote',
          text: 'SELECT estafet.promote_projection($1, $2::int, $3::int, $4::boolean, $5, $6) AS outcome',
          values: [projection, version, build, force, who, reason],
        }),
      )
      return row?.outcome ?? 'missing'
    },

    ...reports(sql),
    ...control(sql),

    async hasPassed(projection, position) {
      const [row] = await run<{ has_passed: boolean; known: number }>(sql, {
        name: 'estafet-projection-passed',
        // One that is about to be set up reads them, too, and has folded nothing.
        text: `SELECT coalesce(bool_or(b.state = 'serving' AND estafet.projection_folded(b, $2::bigint)
            AND estafet.projection_parked(b, $2::bigint) = 0), false) AS has_passed, count(*)::int AS known
          FROM estafet.projection_build AS b WHERE b.projection = $1 AND (b.events_feed IS NOT NULL OR b.is_inline)`,
        values: [projection, position.toString()],
      })
      if (row !== undefined && row.known > 0) return row.has_passed
      throw new EstafetError(
        'MISCONFIGURED',
        `No projection ${projection} reads the service's own events here, so there is nothing to wait for.`,
        { details: { projection } },
      )
    },
  }
}

function reports(sql: Sql): ProjectionReports {
  return {
    async stopped(projection, { version, build }, stop) {
      await run(sql, {
        name: 'estafet-projection-stopped',
        text: `INSERT INTO estafet.projection_stop AS s
            (projection, version, build, feed, lane, position, message_id, type, error_name, error_message)
          SELECT b.projection, b.version, b.build, $4, $5::smallint, $6::bigint, $7, $8, $9, $10
          FROM estafet.projection_build AS b WHERE b.projection = $1 AND b.version = $2::int AND b.build = $3::int
          ON CONFLICT (projection, version, build, feed, lane) DO UPDATE SET position = excluded.position,
            message_id = excluded.message_id, type = excluded.type, error_name = excluded.error_name,
            error_message = excluded.error_message,
            tries = CASE WHEN s.position = excluded.position THEN s.tries + 1 ELSE 1 END,
            since = CASE WHEN s.position = excluded.position THEN s.since ELSE excluded.since END`,
        values: [
          ...[projection, version, build, stop.feed, stop.lane, stop.position.toString(), stop.messageId],
          ...[stop.type, stop.errorName, stop.errorMessage],
        ],
      })
    },

    async moved(projection, { version, build }, { feed, lane }) {
      await run(sql, {
        name: 'estafet-projection-moved',
        text: `DELETE FROM estafet.projection_stop AS s WHERE s.projection = $1 AND s.version = $2::int
          AND s.build = $3::int AND s.feed = $4 AND s.lane = $5::smallint`,
        values: [projection, version, build, feed, lane],
      })
    },

    async progress(projection, { version, build }, { feed, epoch, ends, perSecond }) {
      await run(sql, {
        name: 'estafet-projection-progress',
        text: `INSERT INTO estafet.projection_progress AS p (projection, version, build, feed, epoch, ends, per_second)
          SELECT b.projection, b.version, b.build, $4, $5, $6::bigint[], $7::float8
          FROM estafet.projection_build AS b WHERE b.projection = $1 AND b.version = $2::int AND b.build = $3::int
          ON CONFLICT (projection, version, build, feed) DO UPDATE SET epoch = excluded.epoch,
            ends = coalesce(excluded.ends, p.ends), per_second = coalesce(excluded.per_second, p.per_second),
            told_at = clock_timestamp()`,
        values: [projection, version, build, feed, epoch, ends?.map(String) ?? null, perSecond],
      })
    },

    async refused(projection, { version, build }, because) {
      await run(sql, {
        name: 'estafet-projection-refused',
        text: `UPDATE estafet.projection_build AS b SET refused = $4
          WHERE b.projection = $1 AND b.version = $2::int AND b.build = $3::int AND b.state IN ('wanted', 'building')`,
        values: [projection, version, build, because],
      })
    },
  }
}

function control(sql: Sql): ProjectionControl {
  return {
    async list() {
      const rows = await run<BuildRow>(sql, { name: 'estafet-projection-of', text: buildsText, values: [null] })
      return rows.map(toRecord)
    },

    async pause(projection, isPaused, { who, reason }) {
      const rows = await run<{ is_changed: boolean }>(sql, {
        name: 'estafet-projection-pause',
        text: `SELECT estafet.pause_subscription(estafet.projection_subscription(b.projection, b.version, b.build),
            $2::boolean, $3, $4) AS is_changed
          FROM estafet.projection_build AS b WHERE b.projection = $1 AND NOT b.is_inline`,
        values: [projection, isPaused, who, reason],
      })
      return rows.some((row) => row.is_changed)
    },

    async rebuild(projection, { who, reason }) {
      const [row] = await run<{ version: number | null; build: number | null }>(sql, {
        name: 'estafet-projection-rebuild',
        text: 'SELECT r.wanted_version AS version, r.wanted_build AS build FROM estafet.rebuild_projection($1, $2, $3) AS r',
        values: [projection, who, reason],
      })
      const { version = null, build = null } = row ?? {}
      return version === null || build === null ? null : { version, build }
    },

    async drop(projection, { version, build }, { who, reason }) {
      const [row] = await explained(
        run<{ is_done: boolean }>(sql, {
          name: 'estafet-projection-drop',
          text: 'SELECT estafet.drop_projection($1, $2::int, $3::int, $4, $5) AS is_done',
          values: [projection, version, build, who, reason],
        }),
      )
      return row?.is_done ?? false
    },
  }
}

interface PlanRow extends Omit<BuildPlan, 'projection' | 'version'> {
  readonly isInline: boolean
}

function refuseOther(plan: BuildPlan, row: PlanRow): void {
  const { projection, version } = plan
  const wanted: Omit<BuildPlan, 'projection' | 'version'> = plan
  const names = ['tables', 'lanes', 'streams', 'eventsFeed'] as const
  const others = names.filter((name) => JSON.stringify(wanted[name]) !== JSON.stringify(row[name]))
  if (row.isInline) others.push('eventsFeed')
  if (others.length === 0) return
  const what = row.isInline ? 'in the transactions of the appends' : `with other ${others.join(', ')}`
  throw new EstafetError(
    'MISCONFIGURED',
    `Version ${version} of the projection ${projection} is there ${what}: raise its version.`,
    { details: { projection, version } },
  )
}

/** What stands in the way of showing tables, in the toolkit's codes. */
export async function explained<Result>(answer: Promise<Result>): Promise<Result> {
  try {
    return await answer
  } catch (error) {
    const says = refusals[codeOf(error)]
    if (says === undefined) throw error
    throw new EstafetError('MISCONFIGURED', `The projection cannot be shown: ${says}.`, { cause: error })
  }
}

const refusals: Readonly<Record<string, string>> = {
  ESF08: 'under the plain name of one of its tables stands something that is no view',
  '2BP01': 'something of yours depends on one of its views or tables, which would have to be made anew',
  '42501': 'the role may not create in the schema, or does not own what it would replace',
  '42P01': 'its setUp did not make one of its tables',
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
