import type { MessageContext, OutgoingMessage, StoredMessage } from '../message/message.ts'

/** Fills in where a message comes from, unless its publisher said so itself. */
export function causedBy(cause: StoredMessage, message: OutgoingMessage): OutgoingMessage {
  const { context } = message
  return {
    ...message,
    context: {
      ...context,
      correlationId: context.correlationId ?? cause.correlationId,
      causationId: context.causationId ?? cause.id,
      ...(context.traceparent === undefined ? traceOf(cause, context) : {}),
    },
  }
}

/** The trace of the cause: its traceparent, and its tracestate with it. */
function traceOf({ traceparent, headers }: StoredMessage, context: MessageContext): MessageContext {
  const { tracestate } = headers
  if (traceparent === null) return {}
  return tracestate === undefined ? { traceparent } : { traceparent, headers: { tracestate, ...context.headers } }
}
