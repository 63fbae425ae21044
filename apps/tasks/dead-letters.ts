import type { ServiceOptions } from 'estafet'
import type { Sql } from 'estafet/postgres'
import { DeadLettered } from './messages.ts'

/** Tells the topic `event_dlq` of each dead letter of a service, in the transaction that makes it. */
export function deadLettered(service: string): NonNullable<ServiceOptions<Sql>['onDeadLetter']> {
  return ({ messageId, type, handler, error, errorName, failedAt, correlationId }) => [
    DeadLettered(
      {
        ...{ original_id: messageId, original_type: type, service, handler },
        error: error.startsWith(errorName) ? error : `${errorName}: ${error}`,
        failed_at: failedAt,
      },
      { correlationId, causationId: messageId },
    ),
  ]
}
