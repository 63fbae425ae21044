import type { SagaFilter, SagaRow, ShownSaga, ShownStep } from '../ports/saga-search.ts'
import type { SagaStatus } from '../ports/sagas.ts'
import { keptRequest } from '../saga/journal.ts'
import { whyWaiting } from '../saga/why.ts'
import type { Call, RouteHandler } from './call.ts'
import { type Content, contentOf, dataOf } from './content.ts'
import type { Mask } from './mask.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { Refusal } from './refusal.ts'
import { isAtLeast } from './role.ts'
import { sagaStatuses } from './saga-statuses.ts'
import { maskFor, maskOf } from './visible.ts'

export const sagas: RouteHandler = async ({ params, operations }) =>
  pageAnswer(await operations.sagaSearch.list(filterOf(params), pageOf(params)), rowView)

export const sagaDefinitions: RouteHandler = async ({ operations }) => ({
  items: await operations.sagaSearch.summary(),
  next: null,
})

export const saga: RouteHandler = async (call) => {
  const shown = await call.operations.sagaSearch.show(call.params.text('id') ?? '')
  if (shown === null) throw noSuchSaga()
  const { input, result, askedBy, steps, ...row } = shown
  const isVisible = isAtLeast(call.caller.role, 'payloads')
  return {
    ...rowView(row),
    askedBy: askedBy === null ? null : dataOf(askedBy)?.value,
    steps: steps.map((step) => stepView(call, step, isVisible)),
    ...(isVisible ? contentsOf(call, { input, result }) : {}),
  }
}

export function noSuchSaga(): Refusal {
  return new Refusal('NOT_FOUND', 'There is no saga with this id.')
}

function filterOf(params: Call['params']): SagaFilter {
  const status = params.text('status')
  return {
    type: params.text('type'),
    status: isStatus(status) ? status : null,
    idleSeconds: params.count('idle'),
    isStuck: params.flag('stuck'),
  }
}

function isStatus(text: string | null): text is SagaStatus {
  return sagaStatuses.some((status) => status === text)
}

function rowView(row: SagaRow): object {
  return { ...row, why: whyWaiting(row) }
}

function stepView(call: Call, { value, request, ...step }: ShownStep, isVisible: boolean): object {
  const asks = request === null ? null : keptRequest({ ...step, request }).type
  const view = { ...step, asks }
  if (!isVisible) return view
  return {
    ...view,
    value: seen(value, maskOf(call, [])),
    // What an event is waited for is its type, and that stands in asks.
    request: step.kind === 'request' ? seen(request, maskFor(call, asks ?? '')) : null,
  }
}

/** No definition says what of an input or a result is to be hidden: from all but administrators all of it is. */
function contentsOf(call: Call, { input, result }: Pick<ShownSaga, 'input' | 'result'>): object {
  const mask = maskOf(call, [])
  return { input: seen(input, mask), result: seen(result, mask) }
}

function seen(text: string | null, mask: Mask): Content | null {
  return text === null ? null : contentOf(new TextEncoder().encode(text), mask)
}
