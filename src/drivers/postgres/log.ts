import { EstafetError } from '../../message/errors.ts'
import type { Log, LogRange } from '../../ports/log.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/**
 * A service's log, read on its primary through the reader's views.
 *
 * `sql` is a pool or client of that database whose role is a member of its `reader` role.
 */
export function postgresLog(sql: Sql, options: { readonly source: string }): Log {
  const { source } = options
  return {
    source,

    async inspect() {
      const [head] = await run<HeadRow>(sql, { name: 'estafet-log-head', text: headText, values: [] })
      if (head === undefined) throw missingEpoch(source)
      refuseUnsafe(source, head)
      const [lastDrawn, lastCommitted] = [BigInt(head.last_drawn), BigInt(head.last_committed)]
      return { epoch: head.epoch, lastDrawn, lastCommitted }
    },

    async positions(after, limit) {
      const [row] = await run<{ positions: string; is_timeline: boolean }>(sql, {
        name: 'estafet-log-positions',
        text: positionsText,
        values: [after.toString(), limit],
      })
      if (row === undefined) throw missingEpoch(source)
      if (!row.is_timeline) throw otherTimeline(source)
      return row.positions === '' ? [] : row.positions.split(',').map(BigInt)
    },

    async writers() {
      const rows = await run<{ writer: string }>(sql, { name: 'estafet-log-writers', text: writersText, values: [] })
      return rows.map(({ writer }) => writer)
    },

    async read(range) {
      const rows = await run<MessageRow>(sql, readStatement(range))
      return rows.map((row) => toMessage(row, source))
    },
  }
}

interface HeadRow {
  readonly epoch: string
  readonly last_drawn: string
  readonly last_committed: string
  readonly cache: string
  readonly is_timeline: boolean
  readonly is_server: boolean
  readonly is_replica: boolean
  readonly synchronous_commit: string
}

const headText = `SELECT h.epoch, h.last_drawn::text AS last_drawn,
  (SELECT coalesce(max(m.position), 0)::text FROM estafet.outbox_messages AS m) AS last_committed, h.cache::text AS cache, h.is_timeline, h.is_server,
  pg_is_in_recovery() AS is_replica, current_setting('synchronous_commit') AS synchronous_commit
  FROM estafet.outbox_head AS h`

// The order is by the qualified column: by the bare name it would be by the text made of it, and "10" < "9".
const positionsText = `SELECT array_to_string(ARRAY(SELECT m.position FROM estafet.outbox_messages AS m
  WHERE m.position > $1::bigint ORDER BY m.position LIMIT $2::int), ',') AS positions, h.is_timeline
  FROM estafet.outbox_head AS h`

// The virtual transaction alone: PREPARE TRANSACTION keeps it and drops the process. A server restart gives prepared
// transactions another one, which begins with -1: those cannot be told from the ones a reader saw before.
const writersText = `SELECT CASE WHEN l.virtualtransaction LIKE '-1/%' THEN '*' ELSE l.virtualtransaction END AS writer
  FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.classid = 1163084870 AND l.objid = 0 AND l.objsubid = 2
  AND l.mode = 'ShareLock' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())`

function readStatement(range: LogRange) {
  return {
    name: 'estafet-log-read',
    text: `SELECT ${messageColumns} FROM estafet.outbox_messages AS m
      WHERE m.position > $1::bigint AND m.position <= $2::bigint AND m.slot % $3::int = $4::int
      AND ($5::text[] IS NULL OR m.topic = ANY ($5::text[])) ORDER BY m.position LIMIT $6::int`,
    values: [
      range.after.toString(),
      range.upTo.toString(),
      range.lane.count,
      range.lane.index,
      range.topics,
      range.limit,
    ],
  }
}

function refuseUnsafe(source: string, head: HeadRow): void {
  const faults: string[] = []
  if (head.is_replica) faults.push('it is a replica, where commits appear in another order: use the primary')
  if (head.synchronous_commit === 'off') faults.push('synchronous_commit is off, which loses acknowledged commits')
  if (head.cache !== '1') faults.push('estafet.outbox_position has a CACHE above 1: ALTER SEQUENCE ... CACHE 1')
  if (faults.length > 0) {
    throw new EstafetError('MISCONFIGURED', `The log of ${source} cannot be read safely: ${faults.join('; ')}.`, {
      details: { source },
    })
  }
  if (!head.is_timeline || !head.is_server) throw otherTimeline(source)
}

function otherTimeline(source: string): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `The log of ${source} was begun on another server or timeline. Find out what was restored or failed over, and what
was lost; then begin a new epoch with SELECT estafet.new_epoch() as the owner.`.replaceAll('\n', ' '),
    { details: { source } },
  )
}

function missingEpoch(source: string): EstafetError {
  return new EstafetError('MISCONFIGURED', `The log of ${source} has no epoch: run its migrations.`, {
    details: { source },
  })
}
