import type { Delivery, StoredMessage } from '../message/message.ts'
import type { Inbox } from '../ports/inbox.ts'
import type { Lane } from '../ports/lane-store.ts'

const none: ReadonlySet<StoredMessage> = new Set()

/**
 * Takes the ids that senders without a chain gave their messages, as part of `tx`, and returns the messages that bear one
 * that was taken before: sent again, with nothing else to tell it by. Asks nothing when there are no such messages.
 */
export async function sentAgain<Tx>(
  inbox: Inbox<Tx> | null,
  tx: Tx,
  lane: Lane,
  deliveries: readonly Delivery[],
): Promise<ReadonlySet<StoredMessage>> {
  const bySender = deliveries.filter(({ hasSendersId }) => hasSendersId === true).map(({ message }) => message)
  if (inbox === null || bySender.length === 0) return none
  const fresh = new Set(await inbox.take(tx, lane.group.subscription, bySender.map(nameOf)))
  // The first of each in this batch is the fresh one.
  return new Set(bySender.filter((message) => !fresh.delete(nameOf(message))))
}

/** CloudEvents asks of source and id together that they are another for each event. */
function nameOf({ source, id }: StoredMessage): string {
  return `${source}\n${id}`
}
