import { type ReadingOptions, type RelayOptions, type Running, type Service, type Sink, startRelay } from 'estafet'
import { taskEventsTopic } from '../analytics/messages.ts'
import { eventTopics } from '../messages.ts'
import type { Brokers } from './brokers.ts'

export interface RelaysOptions<Tx> extends Pick<RelayOptions<Tx>, 'store' | 'logger'>, ReadingOptions {
  /** The service's log, for one reader; each relay asks for its own. */
  readonly source: () => RelayOptions<Tx>['source']
  readonly brokers: Brokers
}

/**
 * Relays a service's log: events to the broker between the services and, of the service that publishes there, the topic
 * `task_events` to the one of analytics, which may be another.
 */
export async function startRelays<Tx>(
  { name, publishes }: Service<Tx>,
  { source, brokers, ...options }: RelaysOptions<Tx>,
): Promise<readonly Running[]> {
  const wanted = [{ sink: brokers.events.sink(name), topics: eventTopics }]
  if (publishes.some(({ topic }) => topic === taskEventsTopic)) {
    wanted.push({ sink: renamed(brokers.analytics.sink(name)), topics: [taskEventsTopic] })
  }
  const started = await Promise.allSettled(wanted.map((each) => startRelay({ ...options, ...each, source: source() })))
  const relays = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = started.find((each) => each.status === 'rejected')
  if (failed === undefined) return relays
  await Promise.all(relays.map((relay) => relay.stop()))
  throw failed.reason
}

/** Both relays may send to one broker, and each keeps how far it is under the name of its sink. */
function renamed(sink: Sink): Sink {
  const { name } = sink
  return {
    name: `analytics-${name}`,
    partitions: (topic) => sink.partitions(topic),
    send: (messages) => sink.send(messages),
  }
}
