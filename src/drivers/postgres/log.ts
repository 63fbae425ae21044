import { EstafetError } from '../../message/errors.ts'
import type { Log, LogRange } from '../../ports/log.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

export interface LogOptions {
  readonly source: string
  /** Its published messages, or its private events. (Default: outbox.) */
  readonly of?: 'outbox' | 'events'
}

/**
 * A service's log, read on its primary through the reader's views.
 *
 * `sql` is a pool or client of that database whose role is a member of its `reader` role.
 */
export function postgresLog(sql: Sql, options: LogOptions): Log {
  const { source, of = 'outbox' } = options
  const { headText, positionsText, writersText, readText } = textsOf[of]
  const name = (statement: string): string => `estafet-${of === 'outbox' ? 'log' : 'events'}-${statement}`
  return {
    source,

    async inspect() {
      const [head] = await run<HeadRow>(sql, { name: name('head'), text: headText, values: [] })
      if (head === undefined) throw missingEpoch(source)
      refuseUnsafe(source, head)
      const [lastDrawn, lastCommitted] = [BigInt(head.last_drawn), BigInt(head.last_committed)]
      return { epoch: head.epoch, lastDrawn, lastCommitted }
    },

    async positions(after, limit) {
      const [row] = await run<{ positions: string; is_timeline: boolean }>(sql, {
        name: name('positions'),
        text: positionsText,
        values: [after.toString(), limit],
      })
      if (row === undefined) throw missingEpoch(source)
      if (!row.is_timeline) throw otherTimeline(source)
      return row.positions === '' ? [] : row.positions.split(',').map(BigInt)
    },

    async writers() {
      const rows = await run<{ writer: string }>(sql, { name: name('writers'), text: writersText, values: [] })
      return rows.map(({ writer }) => writer)
    },

    async read(range) {
      const rows = await run<MessageRow>(sql, { name: name('read'), text: readText, values: valuesOf(range) })
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

const textsOf = {
  outbox: texts({
    ...{ messages: 'estafet.outbox_messages', head: 'estafet.outbox_head', read: 'estafet.read_outbox' },
    lock: 1_163_084_870,
  }),
  events: texts({
    ...{ messages: 'estafet.event_messages', head: 'estafet.event_head', read: 'estafet.read_events' },
    lock: 1_163_084_872,
  }),
} as const

/** The statements on a log, of which the migrations made the views and the lock. */
function texts({
  messages,
  head,
  read,
  lock,
}: {
  readonly messages: string
  readonly head: string
  readonly read: string
  readonly lock: number
}) {
  return {
    headText: `SELECT h.epoch, h.last_drawn::text AS last_drawn,
      (SELECT coalesce(max(m.position), 0)::text FROM ${messages} AS m) AS last_committed, h.cache::text AS cache,
      h.is_timeline, h.is_server, pg_is_in_recovery() AS is_replica,
      current_setting('synchronous_commit') AS synchronous_commit FROM ${head} AS h`,
    // The order is by the qualified column: by the bare name it would be by the text made of it, and "10" < "9".
    positionsText: `SELECT array_to_string(ARRAY(SELECT m.position FROM ${messages} AS m
      WHERE m.position > $1::bigint ORDER BY m.position LIMIT $2::int), ',') AS positions, h.is_timeline
      FROM ${head} AS h`,
    // The virtual transaction alone: PREPARE TRANSACTION keeps it and drops the process. A server restart gives prepared
    // transactions another one, which begins with -1: those cannot be told from the ones a reader saw before.
    writersText: `SELECT CASE WHEN l.virtualtransaction LIKE '-1/%' THEN '*' ELSE l.virtualtransaction END AS writer
      FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.classid = ${lock} AND l.objid = 0 AND l.objsubid = 2
      AND l.mode = 'ShareLock' AND l.granted
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())`,
    readText: `SELECT ${messageColumns}
      FROM ${read}($1::bigint, $2::bigint, $3::int, $4::int, $5::text[], $6::int) AS m ORDER BY m.position`,
  }
}

function valuesOf({ after, upTo, lane, topics, limit }: LogRange): readonly unknown[] {
  return [after.toString(), upTo.toString(), lane.count, lane.index, topics, limit]
}

function refuseUnsafe(source: string, head: HeadRow): void {
  const faults: string[] = []
  if (head.is_replica) faults.push('it is a replica, where commits appear in another order: use the primary')
  if (head.synchronous_commit === 'off') faults.push('synchronous_commit is off, which loses acknowledged commits')
  if (head.cache !== '1') faults.push('its sequence has a CACHE above 1: ALTER SEQUENCE ... CACHE 1')
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
