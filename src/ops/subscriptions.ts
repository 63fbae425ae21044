import type { RouteHandler } from './call.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { Refusal } from './refusal.ts'

export const subscriptions: RouteHandler = async ({ running, operations }) => {
  const { lanes, paused } = await operations.control.state(running.subscription)
  const names = [...new Set([...running.feeds.map(({ name }) => name), ...lanes.map(({ feed }) => feed)])]
  const items = names.map((feed) => ({
    feed,
    // A feed with progress that this version of the service does not read any more.
    isRead: running.feeds.some(({ name }) => name === feed),
    paused,
    lanes: lanes.filter((lane) => lane.feed === feed).map(({ feed: _, ...lane }) => lane),
  }))
  return { items, next: null }
}

export const parkedKeys: RouteHandler = async ({ params, running, operations }) =>
  pageAnswer(await operations.control.parkedKeys(running.subscription, pageOf(params)), (key) => key)

export const pauseSubscription: RouteHandler = (call) => pause(call, true)
export const resumeSubscription: RouteHandler = (call) => pause(call, false)

async function pause(call: Parameters<RouteHandler>[0], isPaused: boolean): Promise<object> {
  const { params, running, operations, caller } = call
  const feeds = running.feeds.map(({ name }) => name)
  if (!feeds.includes(params.text('feed') ?? '')) throw new Refusal('NOT_FOUND', 'The service reads no such feed.')
  const by = { who: caller.name, reason: params.text('reason') }
  const isChanged = await operations.control.pause(running.subscription, isPaused, by)
  return { isPaused, isChanged, feeds }
}
