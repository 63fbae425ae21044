import type { LogSearch, LogVerdict } from '../../ports/log-search.ts'
import { instant } from './instant.ts'
import { postgresLog } from './log.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { run } from './run.ts'
import { pageOf, pageValues } from './selection.ts'
import type { Sql } from './sql.ts'

/** The log of the service's own database, by its position. Other columns have no index: a search reads as it goes. */
export function postgresLogSearch(sql: Sql): LogSearch {
  return {
    async head(source) {
      const log = postgresLog(sql, { source })
      const [state, writers, [ends]] = await Promise.all([
        log.inspect(),
        log.writers(),
        run<{ first: string | null; last: string | null }>(sql, {
          name: 'estafet-log-ends',
          text: endsText,
          values: [],
        }),
      ])
      return { ...state, firstAt: ends?.first ?? null, lastAt: ends?.last ?? null, writers: writers.length }
    },

    async messages(source, { type, key, correlationId }, page) {
      const rows = await run<MessageRow>(sql, {
        name: 'estafet-log-search',
        text: `SELECT ${messageColumns} FROM estafet.outbox_messages AS m
          WHERE m.position > coalesce($1::bigint, 0) AND ($3::text IS NULL OR m.type = $3)
            AND ($4::text IS NULL OR m.slot = estafet.slot_of($4) AND m.key = $4)
            AND ($5::text IS NULL OR m.correlation_id = $5) ORDER BY m.position LIMIT $2::int`,
        values: [...pageValues(page), type, key, correlationId],
      })
      return pageOf(
        rows,
        page,
        ({ position }) => BigInt(position),
        (row) => toMessage(row, source),
      )
    },

    async verify(page) {
      const [row] = await run<VerdictRow>(sql, {
        name: 'estafet-log-verify',
        text: verifyText,
        values: [page.after?.toString() ?? '0', page.limit],
      })
      return toVerdict(row ?? nothing, page.after ?? 0n)
    },
  }
}

const endsText = `SELECT (SELECT ${instant('m.recorded_at')} FROM estafet.outbox_messages AS m
    ORDER BY m.position LIMIT 1) AS first, (SELECT ${instant('m.recorded_at')} FROM estafet.outbox_messages AS m
    ORDER BY m.position DESC LIMIT 1) AS last`

interface VerdictRow {
  readonly messages: string
  readonly first: string | null
  readonly last: string | null
  readonly wrong_slots: string
  readonly ids: string
  readonly has_more: boolean | null
}

const nothing: VerdictRow = { messages: '0', first: null, last: null, wrong_slots: '0', ids: '0', has_more: false }

const verifyText = `SELECT count(*)::text AS messages, min(m.position)::text AS first, max(m.position)::text AS last,
    (count(*) FILTER (WHERE m.slot <> estafet.slot_of(m.key)))::text AS wrong_slots, count(DISTINCT m.id)::text AS ids,
    EXISTS (SELECT FROM estafet.outbox_messages AS l WHERE l.position > max(m.position)) AS has_more
  FROM (SELECT o.position, o.slot, o.key, o.id FROM estafet.outbox_messages AS o WHERE o.position > $1::bigint
    ORDER BY o.position LIMIT $2::int) AS m`

function toVerdict(row: VerdictRow, after: bigint): LogVerdict {
  const [messages, last] = [Number(row.messages), row.last === null ? null : BigInt(row.last)]
  return {
    messages,
    missing: last === null ? 0 : Number(last - after) - messages,
    firstPosition: row.first === null ? null : BigInt(row.first),
    lastPosition: last,
    wrongSlots: Number(row.wrong_slots),
    repeatedIds: messages - Number(row.ids),
    next: row.has_more === true ? last : null,
  }
}
