import type { StoredMessage } from '../../message/message.ts'
import type { Lane } from '../../ports/lane-store.ts'
import type { Failure, Parking } from '../../ports/parking.ts'
import type { SqliteConnection } from './connection.ts'
import { addMessage, atPlace, failureTexts, keyPlace, settleKey } from './parked-queue.ts'
import { nowMs, nowText, prepared, textOf, whole } from './statements.ts'
import type { SqliteTransaction } from './transaction.ts'

/** Parked keys in the tables of migration 0002. No locks of rows: whoever writes here writes alone. */
export function sqliteParking(connection: SqliteConnection): Parking<SqliteTransaction> {
  return {
    keys: ({ group, index }) =>
      connection.read((database) =>
        prepared(database, 'SELECT key FROM estafet_parked_key WHERE subscription = ? AND feed = ? AND lane = ?')
          .all(group.subscription, group.feed, whole(index))
          .map((row) => textOf(row, 'key')),
      ),

    async hold(tx, { group }, keys) {
      return tx
        .all(
          `SELECT key FROM estafet_parked_key WHERE subscription = ? AND feed = ?
            AND key IN (SELECT value FROM json_each(?)) ORDER BY key`,
          ...[group.subscription, group.feed, JSON.stringify(keys)],
        )
        .map((row) => textOf(row, 'key'))
    },

    async park(tx, lane, entries) {
      // A key's failed one comes before those that wait behind it.
      for (const { message, failure } of entries) if (failure !== null) parkFailed(tx, lane, message, failure)
      parkUntried(
        tx,
        lane,
        entries.filter(({ failure }) => failure === null).map(({ message }) => message),
      )
    },

    async parkUntried(tx, lane, messages) {
      parkUntried(tx, lane, messages)
    },
  }
}

/** They wait behind what is there, and begin a queue where nothing is: none is left without somebody who tries it. */
function parkUntried(tx: SqliteTransaction, lane: Lane, messages: readonly StoredMessage[]): void {
  for (const message of messages) {
    if (addMessage(tx, lane.group, lane.index, message, null) === null) continue
    const place = keyPlace(lane.group, message.key)
    const known = tx.get(`SELECT 1 AS found FROM estafet_parked_key WHERE ${atPlace}`, ...place)
    if (known === undefined) settleKey(tx, place)
  }
}

function parkFailed(tx: SqliteTransaction, lane: Lane, message: StoredMessage, failure: Failure): void {
  const number = addMessage(tx, lane.group, lane.index, message, failure)
  if (number === null) return
  const [handler = '', name = '', says = '', stack = '', fingerprint = ''] = failureTexts(failure)
  tx.run(
    `UPDATE estafet_parked_message SET attempts = ?, handler = ?, error_name = ?, error_message = ?, fingerprint = ?,
      failed_at = ${nowText}, first_failed_at = ${nowText} WHERE number = ?`,
    ...[whole(failure.tries), handler, name, says, fingerprint, number],
  )
  tx.run(
    `INSERT INTO estafet_attempt (message, number, at, ended_at, owner, service_version, outcome, handler, error_name,
      error_message, stack) VALUES (?, ?, ${nowText}, ${nowText}, ?, ?, 'failed', ?, ?, ?, ?)`,
    ...[number, whole(failure.tries), failure.owner, failure.serviceVersion, handler, name, says, stack],
  )
  if (failure.next.kind === 'dead' && !failure.next.blocks) return
  const place = keyPlace(lane.group, message.key)
  settleKey(tx, place)
  const afterMs = failure.next.kind === 'retry' ? failure.next.afterMs : 0
  tx.run(
    `UPDATE estafet_parked_key SET next_at_ms = ${nowMs} + ? WHERE ${atPlace} AND head = ?`,
    ...[whole(afterMs), ...place, number],
  )
}
