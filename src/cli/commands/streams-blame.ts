import { item, number, text } from '../answer.ts'
import { changeLines } from '../change-lines.ts'
import { fields } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { usage } from '../failure.ts'
import { streamOf } from '../stream-path.ts'

export async function blame(call: Call): Promise<Outcome> {
  const pointer = call.options.text('path')
  if (pointer !== null && !/^(\/|$)/.test(pointer)) throw usage('--path begins with a slash, as in /items/0/price.')
  const { client, path, type, id } = await streamOf(call)
  const answer = await client.get(`${path}/blame`, { path: pointer === '' ? null : pointer })
  const change = item(answer['change'], 'change')
  const head = fields({
    stream: `${type} ${id} of ${client.name}`,
    version: number(answer, 'streamVersion'),
    event: text(answer, 'type'),
    time: text(answer, 'time'),
    correlation: text(answer, 'correlationId'),
    id: text(answer, 'id'),
  })
  const lines = changeLines(text(change, 'path') || '(all of it)', change)
  return done({ service: client.name, ...answer }, [head, '', ...lines].join('\n'))
}
