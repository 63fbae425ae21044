import { isSagaId, notASagaId } from '../../message/saga-id.ts'
import type { OpenSaga, SagaStep, Sagas, StepChange } from '../../ports/sagas.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Sagas in the service's own database, in the tables of migration 0013. */
export function postgresSagas(): Sagas<Sql> {
  return {
    async begin(tx, { id, type, version, hash, input, correlationId, askedBy }) {
      if (!isSagaId(id)) throw notASagaId()
      const rows = await run(tx, {
        name: 'estafet-saga-begin',
        text: `INSERT INTO estafet.saga (id, type, version, hash, status, input, correlation_id, asked_by)
          VALUES ($1, $2, $3::int, $4, 'running', $5, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING id`,
        values: [id, type, version, hash, input, correlationId, askedBy],
      })
      return rows.length > 0
    },

    async open(tx, id) {
      if (!isSagaId(id)) return null
      // Two statements, sent at once: the second begins when the first has the lock, and so sees what became of the saga. One
      // statement would see steps from before it waited.
      const [locked, read] = await Promise.allSettled([
        run<Omit<OpenSaga, 'steps'>>(tx, { name: 'estafet-saga-open', text: openText, values: [id] }),
        run<SagaStep>(tx, { name: 'estafet-saga-steps', text: stepsText, values: [id] }),
      ])
      // After a first that failed the second fails for no reason of its own.
      if (locked.status === 'rejected') throw locked.reason
      if (read.status === 'rejected') throw read.reason
      const [saga] = locked.value
      return saga === undefined ? null : { ...saga, steps: read.value }
    },

    async save(tx, id, change) {
      await run(tx, {
        name: 'estafet-saga-save',
        text: saveText,
        values: [
          ...[id, change.version, change.hash, change.status, change.result],
          ...[plain(change.failure), plain(change.attention), change.tries, plain(change.error), change.turnInMs],
          ...stepColumns(change.steps),
        ],
      })
    },

    async claim(tx, of) {
      const [row] = await run<{ readonly id: string }>(tx, {
        name: 'estafet-saga-claim',
        text: claimText,
        values: [of.map(({ type, version }) => `${type} ${version}`)],
      })
      return row?.id ?? null
    },
  }
}

const openText = `SELECT s.id, s.type, s.version, s.hash, s.input, s.correlation_id AS "correlationId", s.asked_by AS "askedBy",
    s.status, s.result, s.failure, s.attention, s.tries, s.error
  FROM estafet.saga AS s WHERE s.id = $1 FOR UPDATE`

const stepsText = `SELECT t.name, t.kind, t.state, t.value, t.request, t.has_undo AS "hasUndo", t.is_pivot AS "isPivot", t.tries,
    t.note, t.rank, coalesce(t.due_at <= clock_timestamp(), false) AS "isDue"
  FROM estafet.saga_step AS t WHERE t.saga = $1 ORDER BY t.place`

// One statement, so that a turn costs one. It does not see what it writes itself: the steps that it leaves are those not named.
const saveText = `WITH now AS MATERIALIZED (SELECT clock_timestamp() AS at), written AS (
    INSERT INTO estafet.saga_step AS t
      (saga, place, name, kind, state, value, request, has_undo, is_pivot, tries, note, rank, due_at, begun_at, changed_at)
    SELECT $1, (SELECT coalesce(max(b.place), 0) FROM estafet.saga_step AS b WHERE b.saga = $1) + n.place, n.name, n.kind,
      n.state, n.value, n.request, n.has_undo, n.is_pivot, n.tries, n.note, n.rank,
      CASE WHEN n.state IN ('asking', 'waiting', 'cancelling', 'undoing')
        THEN coalesce(n.due_at, now.at + n.due_in_ms * interval '1 millisecond') END, now.at, now.at
    FROM now, unnest($11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[], $17::boolean[],
        $18::int[], $19::text[], $20::float8[], $21::timestamptz[], $22::int[])
      WITH ORDINALITY AS n (name, kind, state, value, request, has_undo, is_pivot, tries, note, due_in_ms, due_at, rank, place)
    ON CONFLICT (saga, name) DO UPDATE SET kind = excluded.kind, state = excluded.state, value = excluded.value,
      request = excluded.request, has_undo = excluded.has_undo, is_pivot = excluded.is_pivot, tries = excluded.tries,
      note = excluded.note, rank = excluded.rank, due_at = excluded.due_at, changed_at = excluded.changed_at
    RETURNING t.due_at
  ), first AS (
    SELECT min(d.due_at) AS due_at FROM (
      SELECT w.due_at FROM written AS w
      UNION ALL SELECT o.due_at FROM estafet.saga_step AS o WHERE o.saga = $1 AND o.name <> ALL ($11::text[])
    ) AS d
  ), turn AS (SELECT now.at + $10::float8 * interval '1 millisecond' AS at FROM now)
  UPDATE estafet.saga AS s SET version = $2::int, hash = $3, status = $4, result = $5, failure = $6, attention = $7,
    tries = $8::int, error = $9, progressed_at = now.at, turn_at = turn.at,
    due_at = CASE WHEN $4 IN ('running', 'compensating') THEN coalesce(turn.at, first.due_at) END
  FROM now, turn, first WHERE s.id = $1`

// The time of the statement, and not that of the clock as it reads: only so the index tells what is due. A definition is one
// text: a join with a list of pairs could make a plan that sorts all that is due.
const claimText = `SELECT s.id FROM estafet.saga AS s
  WHERE s.due_at <= statement_timestamp() AND s.type || ' ' || s.version = ANY ($1::text[])
  ORDER BY s.due_at LIMIT 1 FOR UPDATE SKIP LOCKED`

function stepColumns(steps: readonly StepChange[]): readonly (readonly unknown[])[] {
  const column = <Value>(of: (step: StepChange) => Value): readonly Value[] => steps.map(of)
  return [
    ...[column((s) => s.name), column((s) => s.kind), column((s) => s.state), column((s) => s.value)],
    ...[column((s) => s.request), column((s) => s.hasUndo), column((s) => s.isPivot), column((s) => s.tries)],
    column((s) => plain(s.note)),
    column(({ due }) => (typeof due === 'number' ? due : null)),
    column(({ due }) => (typeof due === 'string' ? due : null)),
    column((s) => s.rank),
  ]
}

/** PostgreSQL's text has no NUL, and what went wrong may be said in any: a saga whose failure could not be saved would stand still. */
function plain(text: string | null): string | null {
  return text?.replaceAll('\u0000', '\ufffd') ?? null
}
