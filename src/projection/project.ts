import type { Handler, HandlerContext } from '../delivery/handler.ts'
import { completeRules, type RetryRule } from '../delivery/retry-policy.ts'
import type { EventType } from '../message/event.ts'
import { type ReceivedMessage, type StoredMessage, withData } from '../message/message.ts'
import { withoutSealed } from '../message/personal.ts'
import type { StreamEventType } from '../message/stream-event.ts'

/** Names the table of the build at hand: `table('order_summary')` is `order_summary_v2`. Throws MISCONFIGURED for others. */
export interface TableNames {
  (name: string): string
  /** What its names end in, `v2`: for what is kept elsewhere. */
  readonly suffix: string
}

/** What the handlers of a projection may use. There is nothing to publish with: a rebuild would publish it again. */
export interface ProjectionContext<Tx> extends Omit<HandlerContext<Tx>, 'publish'> {
  readonly table: TableNames
}

export interface ProjectOptions {
  /** Needed only to tell several handlers of one type apart. (Default: the event's type.) */
  readonly name?: string
  /** For projections that park: see `on`. (Default: the standard rules.) */
  readonly retry?: readonly RetryRule[]
  /** How long one call may take. (Default: 10 s.) */
  readonly timeoutMs?: number
}

/** A handler of a projection, before it is known into which tables it writes. */
export interface Projector<Tx> {
  /** Whose it is: the service's own events, or public messages. */
  readonly from: 'events' | 'topics'
  readonly type: string
  /** Null for events of streams. */
  readonly topic: string | null
  readonly handlerFor: (table: TableNames) => Handler<Tx>
}

/**
 * What an event does to a read model: `project(ItemAdded, async (event, { tx, table }) => ...)`, for events of the
 * service's own streams and for public messages.
 *
 * Deterministic: no clock, no chance, nothing from elsewhere; the time is `event.time`. For an event of a stream the key is
 * the stream's id and the topic its type.
 */
export function project<Data, Tx>(
  event: StreamEventType<never, Data> | EventType<never, Data>,
  handle: (event: ReceivedMessage<Data>, context: ProjectionContext<Tx>) => Promise<unknown>,
  options: ProjectOptions = {},
): Projector<Tx> {
  return projector(event, options, false, (receive, table) => async (messages, { tx, log, signal }) => {
    for (const message of messages) await handle(receive(message), { tx, log, signal, table })
  })
}

/**
 * `project` for consecutive events of one type together, in order, so that one statement can serve many:
 * `projectMany(ItemAdded, async (events, { tx, table }) => ...)`. The list is never empty, and where it ends says nothing: a
 * rebuild gets other ones. An event may be about the same row as another one before it in the list.
 */
export function projectMany<Data, Tx>(
  event: StreamEventType<never, Data> | EventType<never, Data>,
  handle: (events: readonly ReceivedMessage<Data>[], context: ProjectionContext<Tx>) => Promise<unknown>,
  options: ProjectOptions = {},
): Projector<Tx> {
  return projector(event, options, true, (receive, table) => async (messages, { tx, log, signal }) => {
    await handle(messages.map(receive), { tx, log, signal, table })
  })
}

function projector<Data, Tx>(
  event: StreamEventType<never, Data> | EventType<never, Data>,
  options: ProjectOptions,
  isSet: boolean,
  run: (receive: (message: StoredMessage) => ReceivedMessage<Data>, table: TableNames) => Handler<Tx>['run'],
): Projector<Tx> {
  const { type, since, version: newest } = event
  const { name = type, retry = [], timeoutMs = 10_000 } = options
  const receive = 'receive' in event ? event.receive : fromStream(event)
  const topic = 'topic' in event ? event.topic : null
  return {
    ...{ type, topic, from: topic === null ? 'events' : 'topics' },
    handlerFor: (table) => ({
      ...{ type, name, timeoutMs, topic: topic ?? '', isSet, rules: completeRules(retry, 'block') },
      mask: 'mask' in event ? (event.mask ?? []) : [],
      personalFields: event.personalFields,
      takes: (version) => version >= since && version <= newest,
      check: (message) => void receive(withoutSealed(message)),
      run: run(receive, table),
    }),
  }
}

function fromStream<Data>(event: StreamEventType<never, Data>): (message: StoredMessage) => ReceivedMessage<Data> {
  return (message) => withData(message, event.read(message))
}
