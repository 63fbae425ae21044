import type { DatabaseSync } from 'node:sqlite'
import { EstafetError } from '../../message/errors.ts'
import type { LaneGroup } from '../../ports/lane-store.ts'
import type { Failure } from '../../ports/parking.ts'
import type { Attempt, Attempter, DueKeys, ParkedKey, Retries } from '../../ports/retries.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import type { SqliteConnection } from './connection.ts'
import { messageColumns, toMessage } from './message-row.ts'
import { atPlace, failureTexts, keyPlace, nextFence, settleKey } from './parked-queue.ts'
import { bigintOf, nowMs, nowText, numberOf, prepared, textOf, whole } from './statements.ts'
import { doom, lock, type SqliteTransaction } from './transaction.ts'

/** Attempts at parked keys. */
export function sqliteRetries(
  connection: SqliteConnection,
  unitOfWork: UnitOfWork<SqliteTransaction>,
): Retries<SqliteTransaction> {
  return {
    due: (group, lanes, limit) => connection.read((database) => dueOf(database, group, lanes, limit)),

    async begin(parked, by, heldMs) {
      // Its message is being applied in a transaction that is still open: nobody should wait for that.
      if (connection.isLocked(keyLock(parked))) return null
      return unitOfWork.run(async (tx) => begin(tx, parked, by, heldMs))
    },

    async applied(tx, attempt) {
      if (!isUnder(tx, attempt)) {
        doom(tx)
        throw new EstafetError('FENCED', 'Another attempt has begun, or somebody decided; nothing was written.')
      }
      lock(tx, keyLock(attempt.parked))
      takeOff(tx, attempt)
    },

    async failed(attempt, failure) {
      await unitOfWork.run(async (tx) => saveFailure(tx, attempt, failure))
    },

    async buried(tx, attempt, failure) {
      lock(tx, keyLock(attempt.parked))
      return saveFailure(tx, attempt, failure)
    },
  }
}

function dueOf(database: DatabaseSync, group: LaneGroup, lanes: readonly number[], limit: number): DueKeys {
  const feed = [group.subscription, group.feed] as const
  const ofLanes = `subscription = ? AND feed = ? AND state = 'retrying' AND lane IN (SELECT value FROM json_each(?))`
  const all = JSON.stringify(lanes)
  const keys = prepared(
    database,
    `SELECT key FROM estafet_parked_key WHERE ${ofLanes} AND next_at_ms <= ${nowMs} ORDER BY next_at_ms, fence LIMIT ?`,
  ).all(...feed, all, whole(limit))
  const seen = prepared(
    database,
    `SELECT (SELECT min(next_at_ms) - ${nowMs} FROM estafet_parked_key WHERE ${ofLanes}) AS next_ms,
      (SELECT count(*) FROM estafet_parked_key WHERE subscription = ? AND feed = ?) AS parked_keys,
      count(*) FILTER (WHERE state <> 'dead' OR is_blocking = 1) AS parked_messages, count(*) FILTER (WHERE state = 'dead') AS dead,
      EXISTS (SELECT 1 FROM estafet_paused_subscription WHERE subscription = ?) AS is_paused
      FROM estafet_parked_message WHERE subscription = ? AND feed = ? AND state IN ('waiting', 'retrying', 'dead')`,
  ).get(...feed, all, ...feed, group.subscription, ...feed)
  if (seen === undefined) throw new EstafetError('UNAVAILABLE', 'The database gave no answer.')
  return {
    keys: keys.map((row) => textOf(row, 'key')),
    nextMs: seen['next_ms'] === null ? null : Math.max(0, numberOf(seen, 'next_ms')),
    load: {
      keys: numberOf(seen, 'parked_keys'),
      messages: numberOf(seen, 'parked_messages'),
      dead: numberOf(seen, 'dead'),
    },
    isPaused: numberOf(seen, 'is_paused') === 1,
  }
}

function begin(tx: SqliteTransaction, parked: ParkedKey, by: Attempter, heldMs: number): Attempt | null {
  const place = keyPlace(parked.group, parked.key)
  const due = tx.get(
    `SELECT 1 AS found FROM estafet_parked_key WHERE ${atPlace} AND state = 'retrying' AND next_at_ms <= ${nowMs}`,
    ...place,
  )
  if (due === undefined) return null
  const fence = nextFence(tx)
  const [key] = tx.all(
    `UPDATE estafet_parked_key SET fence = ?, tries = tries + 1, next_at_ms = ${nowMs} + ? WHERE ${atPlace}
      RETURNING CAST(head AS TEXT) AS head, tries`,
    ...[fence, whole(heldMs), ...place],
  )
  if (key === undefined) return null
  const number = bigintOf(key, 'head')
  tx.run(`UPDATE estafet_attempt SET outcome = 'crashed' WHERE message = ? AND outcome = 'started'`, number)
  tx.run(`UPDATE estafet_parked_message SET attempts = attempts + 1, state = 'retrying' WHERE number = ?`, number)
  tx.run(
    `INSERT INTO estafet_attempt (message, number, at, owner, service_version, outcome)
      SELECT number, attempts, ${nowText}, ?, ?, 'started' FROM estafet_parked_message WHERE number = ?`,
    ...[by.owner, by.serviceVersion, number],
  )
  const row = tx.get(`SELECT ${messageColumns} FROM estafet_parked_message WHERE number = ?`, number)
  if (row === undefined) throw new TypeError('The first message of a parked key is missing.')
  const tries = numberOf(key, 'tries')
  // Nobody can redrive here yet.
  return { parked, fence, number, tries, crashes: crashesOf(tx, number), isRedriven: false, message: toMessage(row) }
}

/** Attempts in a row that ended without a word. */
function crashesOf(tx: SqliteTransaction, number: bigint): number {
  const row = tx.get(
    `SELECT count(*) AS crashes FROM estafet_attempt WHERE message = ? AND outcome = 'crashed'
      AND number > coalesce((SELECT max(number) FROM estafet_attempt WHERE message = ? AND outcome = 'failed'), 0)`,
    ...[number, number],
  )
  return row === undefined ? 0 : numberOf(row, 'crashes')
}

function isUnder(tx: SqliteTransaction, { parked, fence, number }: Attempt): boolean {
  const row = tx.get(
    `SELECT 1 AS found FROM estafet_parked_key WHERE ${atPlace} AND fence = ? AND head = ?`,
    ...[...keyPlace(parked.group, parked.key), fence, number],
  )
  return row !== undefined
}

function takeOff(tx: SqliteTransaction, { parked, number }: Attempt): void {
  // One that only waited leaves no trace; what failed or ended a process once is history worth keeping.
  const { changes } = tx.run(
    'DELETE FROM estafet_parked_message WHERE number = ? AND error_name IS NULL AND attempts = 1',
    number,
  )
  if (Number(changes) === 0) {
    tx.run(`UPDATE estafet_parked_message SET state = 'applied', ended_at = ${nowText} WHERE number = ?`, number)
    tx.run(
      `UPDATE estafet_attempt SET outcome = 'applied', ended_at = ${nowText} WHERE message = ? AND outcome = 'started'`,
      number,
    )
  }
  settleKey(tx, keyPlace(parked.group, parked.key))
}

/** Tells whether it was saved; not when another attempt has begun since. */
function saveFailure(tx: SqliteTransaction, attempt: Attempt, failure: Failure): boolean {
  if (!isUnder(tx, attempt)) return false
  const { parked, number } = attempt
  const place = keyPlace(parked.group, parked.key)
  const { next } = failure
  const isCounted = next.kind === 'dead' || next.isCounted
  // Another fence: this attempt is over, and saving its failure again does nothing.
  tx.run(
    `UPDATE estafet_parked_key SET fence = ?, tries = tries - ?, next_at_ms = ${nowMs} + ? WHERE ${atPlace}`,
    ...[nextFence(tx), isCounted ? 0n : 1n, whole(next.kind === 'retry' ? next.afterMs : 0), ...place],
  )
  const [handler = '', name = '', says = '', stack = '', fingerprint = ''] = failureTexts(failure)
  if (isCounted) {
    tx.run(
      `UPDATE estafet_attempt SET outcome = 'failed', ended_at = ${nowText}, handler = ?, error_name = ?,
        error_message = ?, stack = ? WHERE message = ? AND outcome = 'started'`,
      ...[handler, name, says, stack, number],
    )
  } else {
    // An outage of hours must not fill the table, and leaves no attempt behind.
    tx.run(`DELETE FROM estafet_attempt WHERE message = ? AND outcome = 'started'`, number)
    tx.run('UPDATE estafet_parked_message SET attempts = attempts - 1 WHERE number = ?', number)
  }
  tx.run(
    `UPDATE estafet_parked_message SET handler = ?, error_name = ?, error_message = ?, fingerprint = ?,
      failed_at = ${nowText}, first_failed_at = coalesce(first_failed_at, ${nowText}), state = ?,
      is_blocking = min(is_blocking, ?) WHERE number = ?`,
    // A key that went on without it once must not be blocked by it later: it has lost its place.
    ...[handler, name, says, fingerprint, next.kind === 'dead' ? 'dead' : 'retrying'],
    ...[next.kind === 'retry' || next.blocks ? 1n : 0n, number],
  )
  if (next.kind === 'dead') settleKey(tx, place)
  return true
}

function keyLock({ group, key }: ParkedKey): string {
  return JSON.stringify(['parked key', ...keyPlace(group, key)])
}
