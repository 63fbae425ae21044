import { text } from '../answer.ts'
import { jsonOf } from '../body.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { oneService } from '../fleet.ts'

export async function publish(call: Call): Promise<Outcome> {
  const [type = '', argument = ''] = call.arguments
  const data = await jsonOf(call, argument, 'The data of the event')
  const client = await oneService(call)
  const correlationId = call.options.text('correlation-id')
  const preview = `${type} would be published by ${client.name}; every service that handles it will.`
  const refusal = await confirm(call, {
    data: { service: client.name, type },
    text: preview,
    question: `Publish ${type}`,
  })
  if (refusal !== null) return refusal
  const answer = await client.post('/messages', {
    type,
    data,
    requestId: call.options.text('request-id') ?? crypto.randomUUID(),
    ...(correlationId === null ? {} : { correlationId }),
    ...reasonOf(call),
  })
  const id = text(answer, 'id')
  return done({ service: client.name, type, id }, `published ${type} as ${id}\nestafet trace ${id} follows it`)
}

function reasonOf({ options }: Call): { readonly reason?: string } {
  const reason = options.text('reason')
  return reason === null ? {} : { reason }
}
