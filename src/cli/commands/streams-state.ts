import { number, textOrNull, texts } from '../answer.ts'
import { fields } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { usage } from '../failure.ts'
import { prettyJson } from '../pretty-json.ts'
import { hiddenText, streamOf } from '../stream-path.ts'

export async function state(call: Call): Promise<Outcome> {
  const [version, time] = [call.options.count('version'), call.options.text('time')]
  if (version !== null && time !== null) throw usage('Give --version or --time, not both.')
  const { client, path, type, id } = await streamOf(call)
  const answer = await client.get(`${path}/state`, { version, time })
  const hidden = hiddenText(texts(answer, 'masked'))
  const head = fields({
    stream: `${type} ${id} of ${client.name}`,
    version: number(answer, 'version'),
    'last event': textOrNull(answer, 'time'),
    ...(hidden === null ? {} : { hidden }),
  })
  return done({ service: client.name, ...answer }, `${head}\n\n${prettyJson(answer['state'])}`)
}
