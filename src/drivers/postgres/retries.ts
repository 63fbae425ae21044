import { EstafetError } from '../../message/errors.ts'
import type { LaneGroup } from '../../ports/lane-store.ts'
import type { Failure } from '../../ports/parking.ts'
import type { Attempt, DueKeys, Retries } from '../../ports/retries.ts'
import { failureTexts, isCounted, nextStepValues } from './failure-values.ts'
import { type MessageRow, toMessage } from './message-row.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Attempts at parked keys. `sql` is a pool whose role is a member of the database's `subscriber` role. */
export function postgresRetries(sql: Sql): Retries<Sql> {
  return {
    due: (group, lanes, limit) => due(sql, group, lanes, limit),

    async begin(parked, by, heldMs) {
      const { group, key } = parked
      const [row] = await run<AttemptRow>(sql, {
        name: 'estafet-attempt-begin',
        text: beginText,
        values: [group.subscription, group.feed, key, by.owner, by.serviceVersion, Math.round(heldMs)],
      })
      if (row === undefined) return null
      return {
        parked,
        fence: BigInt(row.fence),
        number: BigInt(row.number),
        tries: row.tries,
        crashes: Number(row.crashes),
        isRedriven: row.is_redriven,
        // Bytes that are no text must not keep the attempt from beginning: the handler then says that it cannot decode them.
        message: toMessage({ ...row, payload: Buffer.from(row.payload, 'base64').toString('utf8') }, row.source),
      }
    },

    async applied(tx, attempt) {
      await run(tx, {
        name: 'estafet-attempt-applied',
        text: `SELECT estafet.attempt_applied($1, $2, $3, $4::bigint, $5::bigint)`,
        values: coordinates(attempt),
      })
    },

    async failed(attempt, failure) {
      await saveFailure(sql, attempt, failure)
    },

    buried: saveFailure,
  }
}

async function saveFailure(sql: Sql, attempt: Attempt, failure: Failure): Promise<boolean> {
  const [row] = await run<{ saved: boolean }>(sql, {
    name: 'estafet-attempt-failed',
    text: `SELECT estafet.attempt_failed($1, $2, $3, $4::bigint, $5::bigint, $6, $7, $8, $9, $10, $11::bigint, $12, $13)
      AS saved`,
    values: [
      ...coordinates(attempt),
      ...failureTexts(failure),
      ...nextStepValues(failure.next),
      isCounted(failure.next),
    ],
  })
  return row?.saved === true
}

interface DueRow {
  readonly keys: string[]
  readonly next_ms: number | null
  readonly parked_keys: number
  readonly parked_messages: number
  readonly dead: number
  readonly is_paused: boolean
}

async function due(sql: Sql, group: LaneGroup, lanes: readonly number[], limit: number): Promise<DueKeys> {
  const [row] = await run<DueRow>(sql, {
    name: 'estafet-retries-due',
    text: dueText,
    values: [group.subscription, group.feed, lanes, limit],
  })
  if (row === undefined) throw new EstafetError('UNAVAILABLE', 'The database gave no answer.')
  return {
    keys: row.keys,
    nextMs: row.next_ms === null ? null : Math.max(0, row.next_ms),
    load: { keys: row.parked_keys, messages: row.parked_messages, dead: row.dead },
    isPaused: row.is_paused,
  }
}

const dueText = `SELECT
  ARRAY(SELECT k.key FROM estafet.parked_key AS k WHERE k.subscription = $1 AND k.feed = $2 AND k.state = 'retrying'
    AND k.lane = ANY ($3::smallint[]) AND k.next_at <= clock_timestamp() ORDER BY k.next_at LIMIT $4::int) AS keys,
  (SELECT (1000 * extract(epoch FROM min(k.next_at) - clock_timestamp()))::float8 FROM estafet.parked_key AS k
    WHERE k.subscription = $1 AND k.feed = $2 AND k.state = 'retrying' AND k.lane = ANY ($3::smallint[])) AS next_ms,
  (SELECT count(*)::int FROM estafet.parked_key AS k WHERE k.subscription = $1 AND k.feed = $2) AS parked_keys,
  m.parked_messages, m.dead,
  EXISTS (SELECT FROM estafet.paused_subscription AS p WHERE p.subscription = $1) AS is_paused
  FROM (SELECT (count(*) FILTER (WHERE p.state <> 'dead' OR p.is_blocking))::int AS parked_messages, (count(*) FILTER (WHERE p.state = 'dead'))::int AS dead
    FROM estafet.parked_message AS p WHERE p.subscription = $1 AND p.feed = $2
      AND p.state IN ('waiting', 'retrying', 'dead')) AS m`

interface AttemptRow extends MessageRow {
  readonly number: string
  readonly fence: string
  readonly tries: number
  readonly crashes: string
  readonly is_redriven: boolean
  readonly source: string
}

const beginText = `SELECT b.number::text AS number, b.fence::text AS fence, b.tries, b.crashes::text AS crashes,
  b.is_redriven, m.source, m.position::text AS position,
  to_char(m.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time, m.id, m.type, m.version, m.topic,
  m.key, m.correlation_id, m.causation_id, m.traceparent, m.headers, encode(m.payload, 'base64') AS payload, m.epoch
  FROM estafet.begin_attempt($1, $2, $3, $4, $5, $6::bigint) AS b
  JOIN estafet.parked_message AS m ON m.number = b.number`

function coordinates({ parked, number, fence }: Attempt): readonly string[] {
  return [parked.group.subscription, parked.group.feed, parked.key, number.toString(), fence.toString()]
}
