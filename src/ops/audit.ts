import type { RouteHandler } from './call.ts'
import { pageAnswer, pageOf } from './paging.ts'

export const audit: RouteHandler = async ({ params, running, operations }) =>
  pageAnswer(await operations.audit.list(running.subscription, pageOf(params)), ({ selection, details, ...entry }) => ({
    ...{ ...entry, selection: shown(dataOf(selection)), details: dataOf(details) },
  }))

/** Without the mark of a content: with the request id beside it, who may not see the content could guess it. */
function shown(selection: unknown): unknown {
  if (typeof selection !== 'object' || selection === null || Array.isArray(selection)) return selection
  return Object.fromEntries(Object.entries(selection).filter(([name]) => name !== 'content'))
}

function dataOf(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}
