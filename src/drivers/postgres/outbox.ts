import type { EncodedMessage } from '../../message/message.ts'
import type { Outbox } from '../../ports/outbox.ts'
import { published } from '../../telemetry/channels.ts'
import { fromHeaders } from './message-row.ts'
import { isInTransaction, markTransaction, notePublished, sendAhead } from './open-transaction.ts'
import { run } from './run.ts'
import type { Sql, Statement } from './sql.ts'

/** The log of the database that the transaction is on, written through `estafet.publish`. */
export function postgresOutbox(): Outbox<Sql> {
  return {
    async append(tx, messages) {
      const isUnsure = !isInTransaction(tx)
      if (isUnsure) await sendAhead(tx, run(tx, markTransaction))
      const rows = await run<{ position: string }>(tx, publishStatement(messages, isUnsure))
      notePublished(tx)
      published.publish({ count: messages.length })
      return rows.map((row) => BigInt(row.position))
    },
  }
}

function publishStatement(messages: readonly EncodedMessage[], isUnsure: boolean): Statement {
  const column = <Value>(of: (message: EncodedMessage) => Value): readonly Value[] => messages.map(of)
  return {
    name: 'estafet-publish',
    text: `SELECT p.position::text AS position FROM estafet.publish($1::uuid[], $2::text[], $3::smallint[], $4::text[],
      $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11) AS p (position)`,
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
      isUnsure,
    ],
  }
}
