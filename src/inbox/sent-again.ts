import type { Delivery, StoredMessage } from '../message/message.ts'
import type { Inbox } from '../ports/inbox.ts'
import type { Lane } from '../ports/lane-store.ts'

const none: ReadonlySet<StoredMessage> = new Set()

/**
 * Takes the ids that senders without a chain gave their messages, as part of `tx`, and returns the messages that bear one
 * that was taken at another place: sent again, with nothing else to tell it by. Asks nothing when there are no such
 * messages.
 */
export async function sentAgain<Tx>(
  inbox: Inbox<Tx> | null,
  tx: Tx,
  lane: Lane,
  deliveries: readonly Delivery[],
): Promise<ReadonlySet<StoredMessage>> {
  const bySender = deliveries.filter(({ hasSendersId }) => hasSendersId === true)
  if (inbox === null || bySender.length === 0) return none
  const ids = bySender.map((delivery) => ({ id: nameOf(delivery.message), place: placeOf(lane, delivery) }))
  const fresh = new Set((await inbox.take(tx, lane.group.subscription, ids)).map(({ place }) => place))
  return new Set(bySender.filter((delivery) => !fresh.has(placeOf(lane, delivery))).map(({ message }) => message))
}

/** CloudEvents asks of source and id together that they are another for each event. */
function nameOf({ source, id }: StoredMessage): string {
  return `${source}\n${id}`
}

/** With the epoch: in a topic that was made anew, another record stands at the same offset. */
function placeOf({ group, index }: Lane, { cursor }: Delivery): string {
  return [group.feed, group.epoch, index, cursor].join('\n')
}
