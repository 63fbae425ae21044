import { text } from '../answer.ts'
import { jsonOf } from '../body.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { usage } from '../failure.ts'
import { safeText } from '../safe-text.ts'
import { sagaOf } from '../saga-path.ts'
import { shellWord } from '../shell-word.ts'

/** What a command of this file does. */
interface Action {
  readonly verb: 'answer' | 'fire' | 'retry' | 'skip' | 'compensate' | 'cancel'
  /** What the ops API is told beside the reason. */
  readonly body: Readonly<Record<string, unknown>>
  /** `The step room would ...` */
  readonly would: string
}

export async function answer(call: Call): Promise<Outcome> {
  const { options } = call
  const given = ['done', 'refused', 'cancelled'].filter((name) => options.has(name))
  if (given.length !== 1) {
    throw usage('Say what came of the step: --done JSON, --refused NAME, or --cancelled, and only one of them.')
  }
  const [outcome] = given
  const [result, refusal] = [options.text('done'), options.text('refused')]
  const body = {
    ...{ step: stepOf(call), outcome },
    ...(result === null ? {} : { result: await jsonOf(call, result, 'The result') }),
    ...(refusal === null ? {} : { refusal }),
  }
  const would = `The step ${stepOf(call)} would be ${outcome}, and the service that was asked is not told.`
  return steer(call, { verb: 'answer', body, would })
}

export const fire = (call: Call): Promise<Outcome> =>
  ofStep(call, 'fire', 'would have its time come: a rest is over, an answer or an event is waited for no longer.')

export const skip = (call: Call): Promise<Outcome> =>
  ofStep(call, 'skip', 'would be passed over in taking back, and what it did stays.')

export const retry = (call: Call): Promise<Outcome> =>
  steer(call, { verb: 'retry', body: {}, would: 'It would be tried now, and asked again what was not answered.' })

export const compensate = (call: Call): Promise<Outcome> =>
  steer(call, { verb: 'compensate', body: {}, would: 'Everything it did would be taken back.' })

export const cancel = (call: Call): Promise<Outcome> =>
  steer(call, { verb: 'cancel', body: {}, would: 'Everything it did would be taken back, if it still runs.' })

function ofStep(call: Call, verb: Action['verb'], would: string): Promise<Outcome> {
  const step = stepOf(call)
  return steer(call, { verb, body: { step }, would: `The step ${step} ${would}` })
}

function stepOf(call: Call): string {
  return call.arguments[1] ?? ''
}

async function steer(call: Call, { verb, body, would }: Action): Promise<Outcome> {
  const { options } = call
  const reason = options.text('reason')
  if (reason === null && !options.has('dry-run')) {
    throw usage('Say why, for the audit.', 'Add --reason TEXT; or --dry-run to see what would be done.')
  }
  const { client, id, path } = await sagaOf(call)
  const saga = await client.get(path)
  const refusal = await confirm(call, {
    data: { service: client.name, ...saga },
    text: [`${id} of ${client.name} is ${text(saga, 'status')}. ${text(saga, 'why')}`, would].map(safeText).join('\n'),
    question: `${verb.charAt(0).toUpperCase()}${verb.slice(1)} ${id} of ${client.name}`,
  })
  if (refusal !== null) return refusal
  const requestId = options.text('request-id') ?? crypto.randomUUID()
  const answered = await client.post(`${path}/${verb}`, { ...body, reason, requestId })
  const before = text(answered, 'outcome') === 'repeated' ? ', as before' : ''
  return done(
    { service: client.name, ...answered },
    [
      `${verb}: done for ${id} of ${client.name}, which is ${text(answered, 'status')}${before}`,
      `estafet sagas show ${shellWord(id)} --service ${client.name} shows what comes of it.`,
    ]
      .map(safeText)
      .join('\n'),
  )
}
