import type { StoredMessage } from '../message/message.ts'
import type { Call, RouteHandler } from './call.ts'
import { contentOf } from './content.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { isAtLeast } from './role.ts'
import { maskFor } from './visible.ts'

export const log: RouteHandler = async ({ service, operations }) => ({
  source: service.name,
  ...(await operations.logSearch.head(service.name)),
})

export const logMessages: RouteHandler = async (call) => {
  const { params, service, operations } = call
  const filter = { type: params.text('type'), key: params.text('key'), correlationId: params.text('correlationId') }
  const found = await operations.logSearch.messages(service.name, filter, pageOf(params))
  const isVisible = isAtLeast(call.caller.role, 'payloads')
  return pageAnswer(found, (message) => messageView(call, message, isVisible))
}

export const logVerify: RouteHandler = async ({ params, operations }) =>
  operations.logSearch.verify({ after: params.number('after'), limit: params.count('limit') ?? 100_000 })

function messageView(call: Call, message: StoredMessage, isVisible: boolean): object {
  const { payload, headers, ...envelope } = message
  if (!isVisible) return envelope
  return { ...envelope, headers, ...contentOf(new TextEncoder().encode(payload), maskFor(call, message.type)) }
}
