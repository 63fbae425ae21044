import type { DeadLetterDecisions, ImportedLetter } from '../../ports/dead-letter-decisions.ts'
import { decide, toDecided, toNumber } from './decided.ts'
import { fromHeaders } from './message-row.ts'
import { run } from './run.ts'
import { selectionText } from './selection.ts'
import type { Sql } from './sql.ts'

/** Decisions by the functions of migration 0006, each with its audit row in one transaction. */
export function postgresDeadLetterDecisions(sql: Sql): DeadLetterDecisions {
  return {
    async discard(subscription, selection, expected, { requestId, who, reason }) {
      const row = await decide(sql, {
        name: 'estafet-discard',
        text: `SELECT d.outcome, d.count::text AS count, NULL AS number, NULL AS state
          FROM estafet.discard($1, $2::json, $3::bigint, $4, $5, $6) AS d`,
        values: [subscription, selectionText(selection), expected, requestId, who, reason],
      })
      return toDecided(row)
    },

    async edit(subscription, { number, id, payload, fields }, { requestId, who, reason }) {
      const row = await decide(sql, {
        name: 'estafet-edit',
        text: `SELECT e.outcome, '1' AS count, e.number::text AS number, NULL AS state
          FROM estafet.edit_dead_letter($1, $2::bigint, $3, $4::bytea, $5::text[], $6, $7, $8) AS e`,
        values: [subscription, number.toString(), id, Buffer.from(payload, 'utf8'), fields, requestId, who, reason],
      })
      const isThere = row.outcome === 'done' || row.outcome === 'repeated'
      return { outcome: row.outcome, count: isThere ? 1 : 0, number: toNumber(row) }
    },

    async take(subscription, letters, expected, { requestId, who, reason }) {
      const row = await decide(sql, {
        name: 'estafet-import',
        text: `SELECT i.outcome, i.count::text AS count, NULL AS number, NULL AS state
          FROM estafet.import_dead_letters($1, $2::json, $3::bigint, $4, $5, $6) AS i`,
        values: [subscription, JSON.stringify(letters.map(toRecord)), expected, requestId, who, reason],
      })
      return toDecided(row)
    },

    async prune(subscription, days, who) {
      const [row] = await run<{ pruned: string }>(sql, {
        name: 'estafet-prune',
        text: 'SELECT estafet.prune($1, $2::int, $3)::text AS pruned',
        values: [subscription, days, who],
      })
      return Number(row?.pruned ?? 0)
    },
  }
}

/** As `json_to_recordset` of `estafet.import_dead_letters` reads it. */
function toRecord({ message, payload, ...letter }: ImportedLetter) {
  const { position, time, headers, ...rest } = message
  const text = fromHeaders(headers)
  return {
    ...{ ...rest, ...letter, position: position.toString(), recordedAt: time },
    payload: Buffer.from(payload).toString('base64'),
    headers: text === null ? undefined : headers,
  }
}
