import type { GivenAnswer } from '../saga/act.ts'
import type { Call, RouteHandler } from './call.ts'
import { contentMark } from './content-mark.ts'
import { decisionOf, refuseUndone } from './deciding.ts'
import { Refusal } from './refusal.ts'
import type { SagaOrder } from './saga-actions.ts'
import { noSuchSaga } from './sagas.ts'

type Action = SagaOrder['action']

export const answerSaga: RouteHandler = (call) =>
  steer(call, { do: 'answer', step: stepOf(call), answer: answerOf(call) })
export const fireSaga: RouteHandler = (call) => steer(call, { do: 'fire', step: stepOf(call) })
export const retrySaga: RouteHandler = (call) => steer(call, { do: 'retry' })
export const skipSaga: RouteHandler = (call) => steer(call, { do: 'skip', step: stepOf(call) })
export const compensateSaga: RouteHandler = (call) => steer(call, { do: 'compensate' })
export const cancelSaga: RouteHandler = (call) => steer(call, { do: 'cancel' })

async function steer(call: Call, action: Action): Promise<object> {
  const { params, running, steerSaga } = call
  const id = params.text('id') ?? ''
  const { requestId, who } = decisionOf(call)
  const reason = params.text('reason') ?? ''
  const selection = JSON.stringify({ saga: id, ...namedIn(action, requestId) })
  const entry = { who, action: `saga-${action.do}`, subscription: running.subscription, selection, count: 1, reason }
  const steered = await steerSaga({ id, action, reason, entry, requestId })
  if (steered.outcome === 'missing') throw noSuchSaga()
  if (steered.outcome === 'refused') {
    throw new Refusal('CHANGED', `Nothing was done: ${steered.why}.`, { hint: 'Look at the saga again.' })
  }
  refuseUndone({ outcome: steered.outcome, count: 1 }, 'sagas')
  return { ...steered, id }
}

/** What the audit keeps of an action, so that another one under the same request id is known: of an answer no content. */
function namedIn(action: Action, requestId: string): object {
  if (!('step' in action)) return {}
  if (action.do !== 'answer') return { step: action.step }
  const { outcome } = action.answer
  const content = outcome === 'cancelled' ? {} : { content: contentMark(action.answer, requestId) }
  return { step: action.step, outcome, ...content }
}

function stepOf({ params }: Call): string {
  return params.text('step') ?? ''
}

/** Throws INVALID_REQUEST unless what is given is what the outcome needs. */
function answerOf({ params }: Call): GivenAnswer {
  const [outcome, refusal] = [params.text('outcome'), params.text('refusal')]
  const [isDone, isRefused] = [outcome === 'done', outcome === 'refused']
  if (params.has('result') !== isDone || (refusal !== null) !== isRefused) {
    throw new Refusal(
      'INVALID_REQUEST',
      'Give the result with the outcome done, the refusal with refused, and neither with cancelled.',
    )
  }
  if (isDone) return { outcome: 'done', result: params.value('result') }
  return refusal === null ? { outcome: 'cancelled' } : { outcome: 'refused', refusal }
}
