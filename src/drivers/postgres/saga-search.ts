import type { SagaRow, SagaSearch, SagaSummary, ShownSaga } from '../../ports/saga-search.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** Sagas of a service's own database. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresSagaSearch(sql: Sql): SagaSearch {
  return {
    async list({ type, status, idleSeconds, isStuck }, page) {
      // Those that have ended are by far the most: what can only be open is looked for among the open.
      const isOpenOnly = isStuck || idleSeconds !== null || status === 'running' || status === 'compensating'
      const rows = await run<ListedRow>(sql, {
        name: isOpenOnly ? 'estafet-saga-list-open' : 'estafet-saga-list',
        text: `SELECT ${rowColumns} FROM estafet.saga AS s WHERE ${isOpenOnly ? `${openOnly} AND ` : ''}
          s.number > coalesce($1::bigint, 0) AND ($3::text IS NULL OR s.type = $3) AND ($4::text IS NULL OR s.status = $4)
          AND ($5::float8 IS NULL OR ${idleSecondsText} >= $5) AND (NOT $6::boolean OR ${stuckText})
          ORDER BY s.number LIMIT $2::int`,
        values: [...pageValues(page), type, status, idleSeconds, isStuck],
      })
      return pageOf(rows, page, ({ number }) => BigInt(number), toRow)
    },

    async show(id) {
      const [row] = await run<ShownRow>(sql, { name: 'estafet-saga-show', text: showText, values: [id] })
      if (row === undefined) return null
      const steps: ShownSaga['steps'] = JSON.parse(row.steps)
      const { input, result, askedBy } = row
      return { ...toRow(row), input, result, askedBy, steps }
    },

    summary: () => run<SagaSummary>(sql, { name: 'estafet-saga-summary', text: summaryText, values: [] }),
  }
}

const openOnly = `s.status IN ('running', 'compensating')`
const openStep = `t.state IN ('asking', 'waiting', 'cancelling', 'undoing')`

/** Whole seconds since an instant; 0 since none, and since one that is to come. */
const secondsSince = (column: string): string =>
  `greatest(0, floor(extract(epoch FROM statement_timestamp() - ${column})))::float8`

const idleSecondsText = `CASE WHEN ${openOnly} THEN ${secondsSince('s.progressed_at')} ELSE 0 END`
const stuckText = `(${openOnly} AND (s.attention IS NOT NULL OR s.due_at IS NULL
  OR s.due_at <= statement_timestamp() - interval '1 minute'))`

const rowColumns = `s.number::text AS number, s.id, s.type, s.version, s.hash, s.correlation_id AS "correlationId", s.status,
  s.failure, s.attention, s.tries, s.error, ${instant('s.started_at')} AS "startedAt",
  ${instant('s.progressed_at')} AS "progressedAt", ${idleSecondsText} AS "idleSeconds", ${instant('s.due_at')} AS "dueAt",
  ${secondsSince('s.due_at')} AS "overdueSeconds", ${stuckText} AS "isStuck",
  (SELECT coalesce(json_agg(json_build_object('name', t.name, 'kind', t.kind, 'state', t.state, 'tries', t.tries)
    ORDER BY t.place), '[]')::text FROM estafet.saga_step AS t WHERE t.saga = s.id AND ${openStep}) AS "openSteps"`

const showText = `SELECT ${rowColumns}, s.input, s.result, s.asked_by AS "askedBy",
  (SELECT coalesce(json_agg(json_build_object('name', t.name, 'kind', t.kind, 'state', t.state, 'value', t.value,
      'request', t.request, 'hasUndo', t.has_undo, 'isPivot', t.is_pivot, 'tries', t.tries, 'note', t.note,
      'rank', t.rank,
      'isDue', coalesce(t.due_at <= statement_timestamp(), false), 'begunAt', ${instant('t.begun_at')},
      'changedAt', ${instant('t.changed_at')}, 'dueAt', ${instant('t.due_at')}) ORDER BY t.place), '[]')::text
    FROM estafet.saga_step AS t WHERE t.saga = s.id) AS steps
  FROM estafet.saga AS s WHERE s.id = $1`

const summaryText = `SELECT s.type, s.version, s.hash, s.status, count(*)::float8 AS sagas,
    (count(*) FILTER (WHERE ${stuckText}))::float8 AS stuck, max(${idleSecondsText}) AS "idleSeconds",
    coalesce(max(${idleSecondsText}) FILTER (WHERE ${stuckText}), 0) AS "stuckSeconds"
  FROM estafet.saga AS s GROUP BY s.type, s.version, s.hash, s.status
  ORDER BY s.type COLLATE "C", s.version, s.hash COLLATE "C", s.status COLLATE "C"`

interface ListedRow extends Omit<SagaRow, 'number' | 'openSteps'> {
  readonly number: string
  /** JSON text, so that a user's type parsers cannot change it. */
  readonly openSteps: string
}

interface ShownRow extends ListedRow, Pick<ShownSaga, 'input' | 'result' | 'askedBy'> {
  readonly steps: string
}

function toRow(row: ListedRow): SagaRow {
  const openSteps: SagaRow['openSteps'] = JSON.parse(row.openSteps)
  const { id, type, version, hash, correlationId, status, failure, attention, tries, error } = row
  const { startedAt, progressedAt, idleSeconds, dueAt, overdueSeconds, isStuck } = row
  return {
    ...{ id, type, version, hash, correlationId, status, failure, attention, tries, error },
    ...{ number: BigInt(row.number), startedAt, progressedAt, idleSeconds, dueAt, overdueSeconds, isStuck, openSteps },
  }
}
