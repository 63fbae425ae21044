import type { EncodedMessage } from '../../message/message.ts'
import type { Outbox } from '../../ports/outbox.ts'
import { published } from '../../telemetry/channels.ts'
import { fromHeaders } from './message-row.ts'
import { run } from './run.ts'
import type { Sql, Statement } from './sql.ts'

/** The log of the database that the transaction is on, written through `estafet.publish`. */
export function postgresOutbox(): Outbox<Sql> {
  const prepared = new WeakSet<Sql>()
  return {
    async append(tx, messages) {
      if (!prepared.has(tx)) {
        // The server tells an open transaction by the statement's time being later than the transaction's, and parsing
        // within the same exchange makes it later too. So the statement is parsed beforehand, by publishing nothing.
        run(tx, publishStatement([])).catch(() => {})
        prepared.add(tx)
      }
      const rows = await run<{ position: string }>(tx, publishStatement(messages))
      published.publish({ count: messages.length })
      return rows.map((row) => BigInt(row.position))
    },
  }
}

function publishStatement(messages: readonly EncodedMessage[]): Statement {
  const column = <Value>(of: (message: EncodedMessage) => Value): readonly Value[] => messages.map(of)
  return {
    name: 'estafet-publish',
    text: `SELECT p.position::text AS position FROM estafet.publish($1::uuid[], $2::text[], $3::smallint[], $4::text[],
      $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]) AS p (position)`,
    values: [
      column((m) => m.id),
      column((m) => m.type),
      column((m) => m.version),
      column((m) => m.topic),
      column((m) => m.key),
      column((m) => (m.correlationId === m.id ? null : m.correlationId)),
      column((m) => m.causationId),
      column((m) => m.traceparent),
      column((m) => fromHeaders(m.headers)),
      column((m) => m.payload),
    ],
  }
}
