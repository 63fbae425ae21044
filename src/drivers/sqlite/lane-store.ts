import { EstafetError } from '../../message/errors.ts'
import type { Lane, LaneGroup, LaneMember, LaneStore, LaneSurvey, Progress } from '../../ports/lane-store.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import type { SqliteConnection } from './connection.ts'
import { bigintOf, nowMs, numberOf, type SqliteRow, textOf, textOrNull, whole } from './statements.ts'
import { doom, lock, type SqliteTransaction } from './transaction.ts'

/** Lanes in the tables of migration 0001. */
export function sqliteLaneStore(
  connection: SqliteConnection,
  unitOfWork: UnitOfWork<SqliteTransaction>,
): LaneStore<SqliteTransaction> {
  return {
    survey: (group, member) => unitOfWork.run(async (tx) => survey(tx, group, member)),

    async take(group, index, owner, leaseMs) {
      // A transaction that has saved it is still open: its former holder's, and nobody should wait for that.
      if (connection.isLocked(laneLock(group, index))) return null
      return unitOfWork.run(async (tx) => {
        const [row] = tx.all(takeText, owner, whole(leaseMs), ...placeOf(group), whole(index), owner)
        return row === undefined ? null : toLane(group, index, owner, row)
      })
    },

    async save(tx, lane, progress) {
      const { changes } = tx.run(
        `UPDATE estafet_lane SET cursor = ?, marks = ?, abandoned = 0
          WHERE subscription = ? AND feed = ? AND epoch = ? AND lane = ? AND fence = ? AND cursor = ?`,
        ...[progress.cursor, fromMarks(progress.marks)],
        ...[...placeOf(lane.group), whole(lane.index), lane.fence, lane.cursor],
      )
      if (Number(changes) === 0) {
        doom(tx)
        throw new EstafetError('FENCED', 'The lane is held by another process or moved on; nothing was written.')
      }
      lock(tx, laneLock(lane.group, lane.index))
    },

    async release(lane) {
      await unitOfWork.run(async (tx) =>
        tx.run(
          `UPDATE estafet_lane SET owner = NULL, leased_until_ms = NULL
            WHERE subscription = ? AND feed = ? AND epoch = ? AND lane = ? AND fence = ?`,
          ...[...placeOf(lane.group), whole(lane.index), lane.fence],
        ),
      )
    },
  }
}

const takeText = `UPDATE estafet_lane
  SET owner = ?, fence = fence + 1, abandoned = CASE WHEN owner IS NULL THEN 0 ELSE abandoned + 1 END, leased_until_ms = ${nowMs} + ?
  WHERE subscription = ? AND feed = ? AND epoch = ? AND lane = ? AND (owner IS NULL OR owner = ? OR leased_until_ms <= ${nowMs})
  RETURNING CAST(fence AS TEXT) AS fence, CAST(cursor AS TEXT) AS cursor, marks, abandoned`

function survey(tx: SqliteTransaction, group: LaneGroup, { owner, leaseMs, working }: LaneMember): LaneSurvey {
  makeLanes(tx, group)
  const feed = [group.subscription, group.feed]
  tx.run(
    `INSERT INTO estafet_member (subscription, feed, owner, alive_until_ms) VALUES (?, ?, ?, ${nowMs} + ?)
      ON CONFLICT (subscription, feed, owner) DO UPDATE SET alive_until_ms = excluded.alive_until_ms`,
    ...[...feed, owner, whole(leaseMs)],
  )
  tx.run(
    `DELETE FROM estafet_member WHERE subscription = ? AND feed = ? AND alive_until_ms < ${nowMs} - 3600000`,
    ...feed,
  )
  tx.run(
    `UPDATE estafet_lane SET leased_until_ms = ${nowMs} + ? WHERE subscription = ? AND feed = ? AND epoch = ?
      AND owner = ? AND leased_until_ms > ${nowMs} AND lane IN (SELECT value FROM json_each(?))`,
    ...[whole(leaseMs), ...placeOf(group), owner, JSON.stringify(working)],
  )
  const members = tx.all(
    `SELECT owner FROM estafet_member WHERE subscription = ? AND feed = ? AND alive_until_ms > ${nowMs} ORDER BY owner`,
    ...feed,
  )
  const holders = tx.all(
    `SELECT CASE WHEN leased_until_ms > ${nowMs} THEN owner END AS holder FROM estafet_lane
      WHERE subscription = ? AND feed = ? AND epoch = ? ORDER BY lane`,
    ...placeOf(group),
  )
  return {
    members: members.map((row) => textOf(row, 'owner')),
    holders: holders.map((row) => textOrNull(row, 'holder')),
  }
}

function makeLanes(tx: SqliteTransaction, group: LaneGroup): void {
  const known = countLanes(tx, group)
  if (known === group.starts.length && known > 0) return
  if (known > 0) {
    throw new EstafetError('MISCONFIGURED', `The subscription exists with ${known} lanes; keep that number.`)
  }
  const other = tx.get(
    'SELECT 1 AS found FROM estafet_lane WHERE subscription = ? AND feed = ? AND epoch <> ? LIMIT 1',
    ...placeOf(group),
  )
  if (other !== undefined && !group.isNewEpochAccepted) {
    throw new EstafetError(
      'EPOCH_CHANGED',
      'The subscription has progress in another epoch of this log; decide where it begins in the new one.',
    )
  }
  for (const [index, start] of group.starts.entries()) {
    tx.run(
      'INSERT INTO estafet_lane (subscription, feed, epoch, lane, cursor) VALUES (?, ?, ?, ?, ?)',
      ...[...placeOf(group), whole(index), start],
    )
  }
}

function countLanes(tx: SqliteTransaction, group: LaneGroup): number {
  const row = tx.get(
    'SELECT count(*) AS lanes FROM estafet_lane WHERE subscription = ? AND feed = ? AND epoch = ?',
    ...placeOf(group),
  )
  return row === undefined ? 0 : numberOf(row, 'lanes')
}

function placeOf({ subscription, feed, epoch }: LaneGroup): readonly [string, string, string] {
  return [subscription, feed, epoch]
}

function laneLock(group: LaneGroup, index: number): string {
  return JSON.stringify(['lane', ...placeOf(group), index])
}

function toLane(group: LaneGroup, index: number, owner: string, row: SqliteRow): Lane {
  return {
    ...{ group, index, owner, abandoned: numberOf(row, 'abandoned'), fence: bigintOf(row, 'fence') },
    ...{ cursor: bigintOf(row, 'cursor'), marks: toMarks(textOrNull(row, 'marks')) },
  }
}

function toMarks(text: string | null): Progress['marks'] {
  const parsed: unknown = text === null ? {} : JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(Object.entries(parsed).map(([chain, position]) => [chain, BigInt(String(position))]))
}

function fromMarks(marks: Progress['marks']): string | null {
  const entries = Object.entries(marks).map(([chain, position]) => [chain, position.toString()])
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries))
}
