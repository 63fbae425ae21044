import type { StoredMessage } from '../../message/message.ts'
import type { LaneGroup } from '../../ports/lane-store.ts'
import type { Failure } from '../../ports/parking.ts'
import { bigintOf, nowMs, nowText, type SqliteValue, textOf, whole } from './statements.ts'
import type { SqliteTransaction } from './transaction.ts'

/** A key's place: its subscription, its feed and the key. */
export type KeyPlace = readonly [subscription: string, feed: string, key: string]

export function keyPlace({ subscription, feed }: LaneGroup, key: string): KeyPlace {
  return [subscription, feed, key]
}

/** Draws the next fence of all parked keys. */
export function nextFence(tx: SqliteTransaction): bigint {
  const [row] = tx.all('UPDATE estafet_attempt_fence SET last = last + 1 RETURNING CAST(last AS TEXT) AS last')
  if (row === undefined) throw new TypeError('The row of estafet_attempt_fence is missing.')
  return bigintOf(row, 'last')
}

/**
 * Finds the first message of a key's queue and what state that puts the key in; lets the key go with the last one. A new
 * first message starts the tries anew.
 */
export function settleKey(tx: SqliteTransaction, place: KeyPlace): void {
  const old = tx.get(`SELECT CAST(head AS TEXT) AS head FROM estafet_parked_key WHERE ${atPlace}`, ...place)
  // The text has a name of its own: ORDER BY would sort by it, and 10 comes before 9 in texts.
  const first = tx.get(
    `SELECT CAST(number AS TEXT) AS first, lane, CASE state WHEN 'dead' THEN 'dead' ELSE 'retrying' END AS key_state
      FROM estafet_parked_message WHERE ${atPlace}
        AND state IN ('waiting', 'retrying', 'dead') AND (state <> 'dead' OR is_blocking = 1) ORDER BY number LIMIT 1`,
    ...place,
  )
  if (first === undefined) {
    tx.run(`DELETE FROM estafet_parked_key WHERE ${atPlace}`, ...place)
    return
  }
  const [head, state] = [bigintOf(first, 'first'), textOf(first, 'key_state')]
  if (old !== undefined && bigintOf(old, 'head') === head) {
    // The fence stays: an attempt that is under way must not fail because somebody looked.
    tx.run(`UPDATE estafet_parked_key SET state = ? WHERE ${atPlace}`, state, ...place)
    return
  }
  tx.run(
    `INSERT INTO estafet_parked_key (subscription, feed, key, lane, state, head, fence, next_at_ms, parked_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ${nowMs}, ${nowText})
      ON CONFLICT (subscription, feed, key) DO UPDATE SET lane = excluded.lane, state = excluded.state,
        head = excluded.head, fence = excluded.fence, tries = 0, next_at_ms = excluded.next_at_ms`,
    ...[...place, whole(Number(textOf(first, 'lane'))), state, head, nextFence(tx)],
  )
}

/** Puts a message into the queue of its key, unless it is there already; returns its number then. */
export function addMessage(
  tx: SqliteTransaction,
  group: LaneGroup,
  lane: number,
  message: StoredMessage,
  failure: Failure | null,
): bigint | null {
  const [row] = tx.all(
    `INSERT INTO estafet_parked_message (subscription, feed, key, lane, state, is_blocking, parked_at, source, epoch,
        position, recorded_at, id, type, version, topic, correlation_id, causation_id, traceparent, headers, payload)
      VALUES (?, ?, ?, ?, ?, ?, ${nowText}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING RETURNING CAST(number AS TEXT) AS number`,
    ...[...keyPlace(group, message.key), whole(lane), stateOf(failure), isBlocking(failure) ? 1n : 0n],
    ...messageValues(message),
  )
  return row === undefined ? null : bigintOf(row, 'number')
}

/** A condition on the columns of a KeyPlace, in its order. */
export const atPlace = 'subscription = ? AND feed = ? AND key = ?'

/** A failure's texts, for columns. A NUL would end them early for whoever reads the file with another tool. */
export function failureTexts({ handler, errorName, errorMessage, stack, fingerprint }: Failure): readonly string[] {
  return [handler, errorName, errorMessage, stack, fingerprint].map((text) => text.replaceAll('\u0000', '\ufffd'))
}

function stateOf(failure: Failure | null): string {
  if (failure === null) return 'waiting'
  return failure.next.kind === 'dead' ? 'dead' : 'retrying'
}

function isBlocking(failure: Failure | null): boolean {
  return failure?.next.kind !== 'dead' || failure.next.blocks
}

function messageValues(message: StoredMessage): readonly SqliteValue[] {
  const headers = Object.keys(message.headers).length === 0 ? null : JSON.stringify(message.headers)
  return [
    ...[message.source, message.epoch, message.position, message.time, message.id, message.type],
    ...[whole(message.version), message.topic, message.correlationId, message.causationId, message.traceparent],
    ...[headers, Buffer.from(message.payload, 'utf8')],
  ]
}
