import type { Delivery, FeedSource, ReceivedMessage, StoredMessage } from 'estafet'
import { kindNames, kinds, skipped, TaskEventSkipped, told } from './messages.ts'

const epochHeader = 'topic-epoch'
const partitionHeader = 'topic-partition'
const offsetHeader = 'topic-offset'

/**
 * The same topic, with each message told where it stands, and with whatever is no event of a task, whoever wrote it and
 * whatever its headers say, as a `task-event.skipped` that tells why. So there is nothing in it that a handler cannot take.
 *
 * It has no chain: anybody may write a position that nothing leads up to, and all behind it would wait for ever. What is
 * sent again is known by the ids of the rows instead.
 */
export function judged({ feed, wakeUp }: FeedSource): FeedSource {
  let epoch = ''
  return {
    wakeUp,
    feed: {
      name: feed.name,
      async open() {
        const state = await feed.open()
        epoch = state.epoch
        return state
      },
      ends: () => feed.ends(),
      advance: () => feed.advance(),
      async fetch(lane, after, limit) {
        const fetched = await feed.fetch(lane, after, limit)
        return { ...fetched, deliveries: fetched.deliveries.map((each) => placed(judge(each), epoch, lane)) }
      },
    },
  }
}

/** Where a message of a judged topic stands. */
export function placeOf({ headers }: Pick<ReceivedMessage, 'headers'>) {
  return {
    epoch: headers[epochHeader] ?? '',
    partition: Number(headers[partitionHeader]),
    offset: BigInt(headers[offsetHeader] ?? 0),
  }
}

function placed(delivery: Delivery, epoch: string, lane: number): Delivery {
  const { message, cursor } = delivery
  // A cursor stands after its message.
  const place = { [epochHeader]: epoch, [partitionHeader]: String(lane), [offsetHeader]: String(cursor - 1n) }
  const own = { epoch: `${epoch}/${lane}`, position: cursor, headers: { ...message.headers, ...place } }
  return { ...delivery, previous: null, message: { ...message, ...own } }
}

function judge(delivery: Delivery): Delivery {
  const { message } = delivery
  const payload = payloadOf(message)
  const isSkipped = skipped.safeParse(payload)
  const skippedAs = { type: TaskEventSkipped.type, version: TaskEventSkipped.version }
  if (message.type === TaskEventSkipped.type && isSkipped.success) {
    return { ...delivery, message: { ...message, ...skippedAs } }
  }
  const isKnown = kindNames.some((name) => kinds[name].type === message.type && kinds[name].version === message.version)
  if (isKnown && told.safeParse(payload).success) return delivery
  // Headers as ours may stand beside a value that the codec could not read: it says best what is wrong.
  const unfit = { reason: isKnown ? 'incomplete' : 'unknown-type', details: 'the headers say what the value does not' }
  const why = isSkipped.success ? isSkipped.data : unfit
  return { ...delivery, message: { ...message, ...skippedAs, payload: JSON.stringify(why) } }
}

/** Undefined for what is no JSON. */
function payloadOf({ payload }: StoredMessage): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}
