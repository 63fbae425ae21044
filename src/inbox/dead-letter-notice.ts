import type { OnDeadLetter } from '../delivery/dead-letter-notice.ts'
import { errorName } from '../delivery/failure.ts'
import { isEstafetError } from '../message/errors.ts'
import type { StoredMessage } from '../message/message.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Prepare, Write } from '../ports/outbox.ts'
import type { Failure } from '../ports/parking.ts'
import { causedBy } from './caused-by.ts'

export interface NoticeParts<Tx> {
  /** Null: nobody is told. */
  readonly onDeadLetter: OnDeadLetter | null
  readonly prepare: Prepare<Tx>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * What writes the messages that tell of a dead letter, with the transaction that makes it; null when there are none.
 *
 * A dead letter is more than the news of it: when they cannot be made or encoded, that is logged, and it becomes one all
 * the same. Throws UNAVAILABLE when they cannot be sealed now.
 */
export async function noticeOf<Tx>(
  parts: NoticeParts<Tx>,
  message: StoredMessage,
  failure: Failure,
): Promise<Write<Tx> | null> {
  if (parts.onDeadLetter === null || failure.next.kind !== 'dead') return null
  const { id: messageId, type, topic, source, correlationId } = message
  try {
    const outgoing = parts.onDeadLetter({
      ...{ messageId, type, topic, source, correlationId, handler: failure.handler },
      ...{ errorName: failure.errorName, error: failure.errorMessage },
      failedAt: new Date(parts.clock.now()).toISOString(),
    })
    if (outgoing.length === 0) return null
    return await parts.prepare(outgoing.map((each) => causedBy(message, each)))
  } catch (error) {
    if (isEstafetError(error, 'UNAVAILABLE')) throw error
    parts.logger.error('a dead letter could not be told of', { message_id: messageId, error: errorName(error) })
    return null
  }
}
