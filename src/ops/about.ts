import type { RouteHandler } from './call.ts'
import { isAtLeast } from './role.ts'

export const manifest: RouteHandler = async ({ service, running, version, caller }) => ({
  service: service.name,
  version,
  api: 'v1',
  lanes: service.lanes,
  feeds: running.feeds.map(({ name }) => name),
  handlers: service.handlers.map(({ name, type, topic, isSet, timeoutMs }) => ({
    name,
    type,
    topic,
    isSet,
    timeoutMs,
  })),
  publishes: service.publishes.map((event) => ({
    ...{ type: event.type, version: event.version, topic: event.topic, mask: event.mask },
  })),
  caller: { ...caller, mayOperate: isAtLeast(caller.role, 'operate') },
})

export const health: RouteHandler = async ({ running }) => ({
  ...running.health(),
  counters: running.counters(),
  parked: running.parked(),
})
