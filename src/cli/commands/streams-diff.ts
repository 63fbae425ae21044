import { items, number, text } from '../answer.ts'
import { changeLines } from '../change-lines.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { streamOf } from '../stream-path.ts'

export async function diff(call: Call): Promise<Outcome> {
  const { client, path, type, id } = await streamOf(call)
  const answer = await client.get(`${path}/diff`, { from: call.options.count('from'), to: call.options.count('to') })
  const changes = items(answer['changes'], 'changes')
  const lines = changes.flatMap((change) => changeLines(text(change, 'path') || '(all of it)', change))
  const head = `${type} ${id} of ${client.name} from version ${number(answer, 'from')} to ${number(answer, 'to')}`
  const body = lines.length === 0 ? ['Nothing differs.'] : lines
  return done({ service: client.name, ...answer }, [head, ...body].join('\n'))
}
