import type { RecordedEvent } from '../../ports/event-store.ts'
import type { StreamIndex } from '../../ports/stream-index.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** The streams of a service's own database. `sql` is a pool or client whose role may read events; `source` is the service's name. */
export function postgresStreamIndex(sql: Sql, { source }: { readonly source: string }): StreamIndex {
  const toEvent = (row: LastRow): RecordedEvent => ({ ...toMessage(row, source), streamVersion: row.stream_version })
  return {
    async list(type, { after, limit }) {
      const values = [type, after ?? '', limit]
      return (await run<LastRow>(sql, { name: 'estafet-streams-list', text: listText, values })).map(toEvent)
    },

    async last(streams) {
      if (streams.length === 0) return []
      const rows = await run<LastRow & { readonly place: number }>(sql, {
        name: 'estafet-streams-last',
        text: lastText,
        values: [streams.map(({ type }) => type), streams.map(({ id }) => id)],
      })
      const found = new Map(rows.map((row) => [row.place, toEvent(row)]))
      return streams.map((_, at) => found.get(at + 1) ?? null)
    },

    async count(type) {
      const [row] = await run<{ streams: string; events: string }>(sql, {
        name: 'estafet-streams-count',
        text: `SELECT count(DISTINCT m.key)::text AS streams, count(*)::text AS events
          FROM estafet.event_messages AS m WHERE m.topic = $1`,
        values: [type],
      })
      return { streams: Number(row?.streams ?? 0), events: Number(row?.events ?? 0) }
    },
  }
}

interface LastRow extends MessageRow {
  readonly stream_version: number
}

// The page is cut before the payloads are read; an id has at least one character.
const listText = `SELECT ${messageColumns}, m.stream_version
  FROM (
    SELECT e.key, max(e.stream_version) AS version FROM estafet.event_messages AS e
    WHERE e.topic = $1 AND e.key > $2 GROUP BY e.key ORDER BY e.key LIMIT $3::int
  ) AS s
  JOIN estafet.event_messages AS m ON m.topic = $1 AND m.key = s.key AND m.stream_version = s.version
  ORDER BY s.key`

const lastText = `SELECT n.place::int AS place, ${messageColumns}, m.stream_version
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (type, id, place)
  CROSS JOIN LATERAL (
    SELECT e.* FROM estafet.event_messages AS e WHERE e.topic = n.type AND e.key = n.id
    ORDER BY e.stream_version DESC LIMIT 1
  ) AS m`
