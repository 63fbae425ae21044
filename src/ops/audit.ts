import type { RouteHandler } from './call.ts'
import { pageAnswer, pageOf } from './paging.ts'

export const audit: RouteHandler = async ({ params, running, operations }) =>
  pageAnswer(await operations.audit.list(running.subscription, pageOf(params)), ({ selection, details, ...entry }) => ({
    ...{ ...entry, selection: dataOf(selection), details: dataOf(details) },
  }))

function dataOf(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}
