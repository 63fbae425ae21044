import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedSource, RelayedMessage, Sink } from 'estafet'
import { type WakeUpDriver, wakeUpClauses } from 'estafet/contract'
import { sample } from '../../src/contract/message.ts'

/**
 * What does not apply to a broker, by the words of the contract: it has no announcer of ours, which might be closed too
 * soon. What was sent is in the topic, and the broker itself tells of it.
 */
export const withoutAnnouncer: readonly string[] = [
  'what was announced just before an announcer was closed is still told',
]

/** The clauses that do. */
export const brokerWakeUpClauses = wakeUpClauses().filter(({ says }) => !withoutAnnouncer.includes(says))

/**
 * The wake-ups of a broker, for the clauses: sending is the announcement, and who waits has looked before, as a service
 * does. `source` opens a reader of the topic `sample`.
 */
export async function brokerWakeUpDriver(sink: Sink, source: () => FeedSource): Promise<WakeUpDriver> {
  await sink.partitions('sample')
  let sent = 0
  return {
    announcer() {
      let sending: Promise<unknown> = Promise.resolve()
      return {
        announce() {
          sent += 1
          const message = relayed(sent)
          sending = sending.then(() => sink.send([message]))
        },
        close: async () => void (await sending),
      }
    },
    wakeUp() {
      const { feed, wakeUp } = source()
      const own = wakeUp()
      return {
        async wait(ms, signal) {
          await feed.advance()
          await own.wait(ms, signal)
        },
        close: () => own.close(),
      }
    },
    pass: (ms) => sleep(ms),
  }
}

function relayed(number: number): RelayedMessage {
  const place = { source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.678Z' }
  return { message: { ...sample(number), ...place }, partition: 0, previous: BigInt(number - 1) }
}
