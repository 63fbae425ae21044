import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import type { StoredMessage } from '../message/message.ts'
import type { StreamEventType } from '../message/stream-event.ts'
import type { JsonObject } from './json-schema.ts'
import { withSealedFields } from './personal-shape.ts'
import { shapeOf, shapeText, type ToJsonSchema } from './shape.ts'

/** What a service promises to others and expects of them: the content of `contracts/<service>.json`. Plain JSON. */
export interface ServiceContract {
  /** The version of this format. */
  readonly contract: 1
  readonly service: string
  /** By type: the events that it publishes. */
  readonly publishes: Readonly<Record<string, EventContract>>
  /** By type: the private events of its streams. */
  readonly keeps: Readonly<Record<string, EventContract>>
  /** By type: the events that it handles, and which versions of them. */
  readonly handles: Readonly<Record<string, readonly HandlerContract[]>>
}

export interface EventContract {
  /** Null for a private event. */
  readonly topic: string | null
  /** The newest version, which is written. */
  readonly version: number
  /** The oldest that is read. */
  readonly since: number
  /** By version; of older ones as long as a contract file had them. */
  readonly versions: Readonly<Record<string, JsonObject>>
}

export interface HandlerContract {
  readonly handler: string
  readonly topic: string
  readonly since: number
  readonly version: number
}

/** A handler, as far as a contract asks; those of `on` and `onMany` are some. */
export interface DescribedHandler {
  readonly type: string
  readonly topic: string
  readonly name: string
  readonly takes: (version: number) => boolean
  /** Reads a message as it will when it comes. Throws what it would throw then. */
  readonly check: (message: StoredMessage) => void
}

/** A service, as far as a contract asks; what `service(...)` gives is one. */
export interface DescribedService {
  readonly name: string
  readonly publishes: readonly EventType<never, unknown>[]
  readonly handlers: readonly DescribedHandler[]
}

export type Keeps = readonly StreamEventType<never, unknown>[]

/** The contract of a service, in the order of its names. Throws MISCONFIGURED, with all faults at once. */
export function contractOf(service: DescribedService, keeps: Keeps, convert?: ToJsonSchema): ServiceContract {
  const faults: string[] = []
  const published = byType(service.publishes)
  const kept = byType(keeps)
  const publishes = mapped(published, (type, events) => {
    const topics = [...new Set(events.map(({ topic }) => topic))]
    if (topics.length > 1) faults.push(`${type} is published under several topics: ${topics.join(', ')}`)
    return eventContract(events, topics[0] ?? null, faults, convert)
  })
  const privates = mapped(kept, (_, events) => eventContract(events, null, faults, convert))
  if (faults.length > 0) {
    throw new EstafetError('MISCONFIGURED', `The contract of ${service.name} cannot be made: ${faults.join('; ')}.`)
  }
  const handles = mapped(byType(service.handlers), (_, handlers) =>
    handlers
      .map(({ name, topic, takes }) => ({ handler: name, topic, ...rangeOf(takes) }))
      .toSorted((a, b) => a.since - b.since || (a.handler < b.handler ? -1 : 1)),
  )
  return { contract: 1, service: service.name, publishes, keeps: privates, handles }
}

interface Definition {
  readonly type: string
  readonly version: number
  readonly since: number
  readonly schema: EventType['schema']
  readonly personalFields: readonly string[]
}

/** Several definitions of one type are several versions of it. */
function eventContract(
  events: readonly Definition[],
  topic: string | null,
  faults: string[],
  convert?: ToJsonSchema,
): EventContract {
  const versions: Record<string, JsonObject> = {}
  for (const { type, version, schema, personalFields } of events.toSorted((a, b) => a.version - b.version)) {
    const shape = shapeOf(schema, convert)
    if (version in versions) faults.push(`version ${version} of ${type} is defined twice`)
    else if (shape !== null) {
      const writes = withSealedFields(shape.writes, personalFields)
      if (writes === null) faults.push(`a personal field of ${type} is not found in its JSON Schema`)
      else
        versions[version] = shapeText({ writes, reads: withSealedFields(shape.reads, personalFields) ?? shape.reads })
    } else {
      const { vendor } = schema['~standard']
      faults.push(
        `the schema of ${type} (${vendor}) cannot be told as JSON Schema; give contracts() a toJsonSchema that can`,
      )
    }
  }
  return {
    topic,
    version: Math.max(...events.map(({ version }) => version)),
    since: Math.min(...events.map(({ since }) => since)),
    versions,
  }
}

/** The versions that a handler takes, which it can only be asked. */
function rangeOf(takes: (version: number) => boolean): { readonly since: number; readonly version: number } {
  let since = 1
  while (since < 32_767 && !takes(since)) since += 1
  let version = since
  while (version < 32_767 && takes(version + 1)) version += 1
  return { since, version }
}

export function byType<Item extends { readonly type: string }>(
  items: readonly Item[],
): ReadonlyMap<string, readonly Item[]> {
  const found = new Map<string, Item[]>()
  for (const item of items.toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0))) {
    const list = found.get(item.type)
    if (list === undefined) found.set(item.type, [item])
    else list.push(item)
  }
  return found
}

function mapped<Item, Made>(
  items: ReadonlyMap<string, readonly Item[]>,
  make: (type: string, items: readonly Item[]) => Made,
): Readonly<Record<string, Made>> {
  return Object.fromEntries([...items].map(([type, list]) => [type, make(type, list)]))
}
