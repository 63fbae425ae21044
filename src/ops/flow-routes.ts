import { flowStatuses } from './flow-statuses.ts'
import { page } from './paging.ts'
import type { Param, Route } from './route.ts'

const name = {
  flow: { in: 'path', kind: 'text', isRequired: true, max: 63, says: 'name of the flow, as its definition has it' },
  correlationId: { in: 'path', kind: 'text', isRequired: true, says: 'that its events have in common' },
} as const satisfies Record<string, Param>

/** Flows that the service follows: nothing about them can be changed, for nobody steers them. */
export const flowRoutes = {
  flows: {
    ...{ method: 'GET', path: '/flows', role: 'view', answer: 'FlowList' },
    summary: 'Flows, the first seen first: what each waits for, after what, since when and until when.',
    params: {
      ...page,
      flow: { in: 'query', kind: 'text', max: 63, says: 'only those of this name' },
      status: { in: 'query', kind: 'text', choices: flowStatuses, says: 'only those that are so' },
      overdue: { in: 'query', kind: 'flag', says: 'only those in which something should have happened by now' },
    },
  },
  flowDefinitions: {
    ...{ method: 'GET', path: '/flow-definitions', role: 'view', params: {}, answer: 'FlowDefinitionList' },
    summary: 'Of each flow how many are unbegun, waiting, overdue and ended.',
  },
  flow: {
    ...{ method: 'GET', path: '/flows/{flow}/{correlationId}', role: 'view', params: name, answer: 'Flow' },
    summary: 'One flow with what happened in it, what is awaited, and a sentence that says so.',
  },
} as const satisfies Record<string, Route>
