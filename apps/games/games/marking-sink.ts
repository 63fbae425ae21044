import { isEstafetError, type Sink } from 'estafet'
import type { Sql } from 'estafet/postgres'

/**
 * A sink that keeps `outbox_events` true while the relay sends: an attempt is counted before it is made, and `sent` is
 * written after the broker has said that it has the message.
 *
 * Stopped in between, the relay sends again, because it saves its progress after that: a row may wait as `new` although
 * its message is out, and never the other way round.
 */
export function markingSink(sink: Sink, outbox: Sql): Sink {
  return {
    name: sink.name,

    async partitions(topic) {
      try {
        return await sink.partitions(topic)
      } catch (error) {
        // Nothing was handed over, so that no attempt is counted: but this is what every row is waiting for.
        await outbox.query(`UPDATE outbox_events SET last_error = $1 WHERE status = 'new'`, [reason(error)])
        throw error
      }
    },

    async send(messages) {
      const ids = messages.map(({ message }) => message.id)
      await outbox.query(
        'UPDATE outbox_events SET publish_attempts = publish_attempts + 1 WHERE id = ANY ($1::uuid[])',
        [ids],
      )
      try {
        await sink.send(messages)
      } catch (error) {
        await outbox.query('UPDATE outbox_events SET last_error = $2 WHERE id = ANY ($1::uuid[])', [ids, reason(error)])
        throw error
      }
      await outbox.query(
        `UPDATE outbox_events SET status = 'sent', published_at = coalesce(published_at, clock_timestamp())
        WHERE id = ANY ($1::uuid[])`,
        [ids],
      )
    },
  }
}

function reason(error: unknown): string {
  if (isEstafetError(error)) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.name : 'unknown'
}
