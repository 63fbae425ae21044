import type { FlowEvent, Flows } from '../../ports/flows.ts'
import { instant } from './instant.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** What happened in flows, in the database of whoever follows them. */
export function postgresFlows(): Flows<Sql> {
  return {
    note(tx, { flow, correlationId }, { source, id, type, at }) {
      return run<FlowEvent>(tx, {
        name: 'estafet-flow-note',
        text: `SELECT e.source, e.id, e.type, ${instant('e.at')} AS at
          FROM estafet.note_flow_event($1, $2, $3, $4, $5, $6::timestamptz) AS e`,
        values: [flow, correlationId, source, id, type, at],
      })
    },

    async save(tx, { flow, correlationId }, { status, begunAt, lastAt, awaited, dueAt }) {
      await run(tx, {
        name: 'estafet-flow-save',
        text: `UPDATE estafet.flow SET status = $3, begun_at = $4::timestamptz, last_at = $5::timestamptz, awaited = $6,
            due_at = $7::timestamptz WHERE flow = $1 AND correlation_id = $2`,
        values: [flow, correlationId, status, begunAt, lastAt, JSON.stringify(awaited), dueAt],
      })
    },

    async forget(tx, days) {
      await run(tx, {
        name: 'estafet-flow-forget',
        // One that somebody is noting something in is left for the next time.
        text: `DELETE FROM estafet.flow AS f USING (SELECT o.number FROM estafet.flow AS o
              WHERE o.status <> 'waiting' AND o.last_at <= clock_timestamp() - $1::int * interval '1 day'
              FOR UPDATE SKIP LOCKED) AS old
          WHERE f.number = old.number`,
        values: [days],
      })
    },
  }
}
