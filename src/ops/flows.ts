import type { FlowFilter, FlowRow } from '../ports/flow-search.ts'
import type { FlowStatus } from '../ports/flows.ts'
import { whatIsAwaited } from '../saga/awaited.ts'
import type { Call, RouteHandler } from './call.ts'
import { flowStatuses } from './flow-statuses.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { Refusal } from './refusal.ts'

export const flows: RouteHandler = async ({ params, operations }) =>
  pageAnswer(await operations.flowSearch.list(filterOf(params), pageOf(params)), rowView)

export const flowDefinitions: RouteHandler = async ({ operations }) => ({
  items: await operations.flowSearch.summary(),
  next: null,
})

export const flow: RouteHandler = async ({ params, operations }) => {
  const name = { flow: params.text('flow') ?? '', correlationId: params.text('correlationId') ?? '' }
  const shown = await operations.flowSearch.show(name)
  if (shown === null) throw new Refusal('NOT_FOUND', 'Nothing of such a flow was seen.')
  return rowView(shown)
}

function filterOf(params: Call['params']): FlowFilter {
  const status = params.text('status')
  return {
    flow: params.text('flow'),
    status: isStatus(status) ? status : null,
    isOverdue: params.flag('overdue'),
  }
}

function isStatus(text: string | null): text is FlowStatus {
  return flowStatuses.some((status) => status === text)
}

function rowView(row: FlowRow): object {
  return { ...row, why: whatIsAwaited(row) }
}
